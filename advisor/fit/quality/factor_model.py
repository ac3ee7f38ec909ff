"""Latent abilities from an incomplete score matrix: a Gaussian factor model with one factor per use case.

A score x of model i on item j of use case u is  x = a_j + b_j * theta[i, u] + noise, noise ~ N(0, s_j^2 / weight), and
theta[i] ~ N(mean_i, S). a, b, s and S are fitted by expectation maximisation (Dempster, Laird, Rubin 1977; the
confirmatory factor model of Joereskog 1969), with priors that keep a benchmark with few models from inventing a scale.
Nothing is imputed: a missing cell is absent from every sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LOADING_PRIOR_SD = 0.35  # scores are in logits, so a loading near 1 is expected
NOISE_PRIOR = 0.35  # logits; counts as NOISE_PRIOR_ROWS rows
NOISE_PRIOR_ROWS = 4.0
COVARIANCE_PRIOR_ROWS = 10.0
COVARIANCE_PRIOR_CORRELATION = 0.8  # abilities correlate: a model strong in maths is rarely weak in reasoning
ITERATIONS = 60


@dataclass(frozen=True, slots=True)
class ScoreRows:
    """Scores as parallel arrays of length n: model index, item index, use-case index, score in logits, weight 0..1."""

    model: Ints
    item: Ints
    use_case: Ints
    score: Floats
    weight: Floats
    models: int
    items: int
    use_cases: int


@dataclass(frozen=True, slots=True)
class Items:
    """Fitted benchmarks: difficulty, loading and noise per item; covariance of abilities (use cases x use cases)."""

    offset: Floats
    loading: Floats
    noise: Floats
    covariance: Floats


def posterior(rows: ScoreRows, items: Items, mean: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Posterior abilities: means (models x use cases) and covariances (models x use cases x use cases).

    `mean` (models x use cases) and `covariance` (one, or one per model) are the prior.
    """
    cell = rows.model * rows.use_cases + rows.use_case
    precision_of_row = rows.weight / items.noise[rows.item] ** 2
    b = items.loading[rows.item]
    size = rows.models * rows.use_cases
    shape = (rows.models, rows.use_cases)
    gain = np.bincount(cell, precision_of_row * b**2, size).reshape(shape)
    pull = np.bincount(cell, precision_of_row * b * (rows.score - items.offset[rows.item]), size).reshape(shape)
    prior_precision = np.linalg.inv(covariance)
    diagonal = np.arange(rows.use_cases)
    precision = np.broadcast_to(prior_precision, (rows.models, rows.use_cases, rows.use_cases)).copy()
    precision[:, diagonal, diagonal] += gain
    spread = np.linalg.inv(precision)
    prior_pull = np.matmul(prior_precision, mean[:, :, None])[:, :, 0]
    return np.matmul(spread, (prior_pull + pull)[:, :, None])[:, :, 0], spread


def fit(rows: ScoreRows) -> Items:
    """Difficulty, loading and noise of each item, and the covariance of abilities, by expectation maximisation."""
    total = np.maximum(np.bincount(rows.item, rows.weight, rows.items), 1e-9)
    offset = np.bincount(rows.item, rows.weight * rows.score, rows.items) / total
    prior = np.full((rows.use_cases, rows.use_cases), COVARIANCE_PRIOR_CORRELATION)
    np.fill_diagonal(prior, 1.0)
    items = Items(offset, np.ones(rows.items), np.full(rows.items, 0.5), prior + 0.01 * np.eye(rows.use_cases))
    if not rows.items:
        return items
    zero = np.zeros((rows.models, rows.use_cases))
    for _ in range(ITERATIONS):
        mean, spread = posterior(rows, items, zero, items.covariance)
        items = _maximise(rows, items, mean, spread, prior)
    return items


def _maximise(rows: ScoreRows, items: Items, mean: Floats, spread: Floats, prior: Floats) -> Items:
    theta = mean[rows.model, rows.use_case]
    variance = spread[rows.model, rows.use_case, rows.use_case]
    w, x, n = rows.weight, rows.score, rows.items

    def total(values: Floats) -> Floats:
        sums: Floats = np.bincount(rows.item, w * values, n).astype(np.float64)
        return sums

    s0, s1, s2 = total(np.ones_like(x)), total(theta), total(theta**2 + variance)
    y0, y1 = total(x), total(x * theta)
    ridge = items.noise**2 / LOADING_PRIOR_SD**2
    weak = 1e-3 * ridge  # a flat prior on difficulty that keeps the system regular for a single row
    determinant = (s0 + weak) * (s2 + ridge) - s1**2
    offset = (y0 * (s2 + ridge) - s1 * (y1 + ridge)) / determinant
    loading = np.maximum(((s0 + weak) * (y1 + ridge) - s1 * y0) / determinant, 0.05)
    residual = (x - offset[rows.item] - loading[rows.item] * theta) ** 2 + loading[rows.item] ** 2 * variance
    noise = np.sqrt((total(residual) + NOISE_PRIOR_ROWS * NOISE_PRIOR**2) / (s0 + NOISE_PRIOR_ROWS))
    seen = np.bincount(rows.model, minlength=rows.models) > 0
    outer = mean[seen].T @ mean[seen] + spread[seen].sum(axis=0)
    scale = np.trace(outer) / rows.use_cases / max(int(seen.sum()), 1)
    covariance = (outer + COVARIANCE_PRIOR_ROWS * scale * prior) / (seen.sum() + COVARIANCE_PRIOR_ROWS)
    return Items(offset, loading, noise, covariance)
