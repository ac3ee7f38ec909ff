"""Quality of a model per use case, 0..100 with an 80 % interval, from sourced scores alone.

Every (model, use case) has a latent ability, every benchmark a difficulty, a loading and a noise (`factor_model`). Old
scores, vendors' own scores and further slices of one leaderboard weigh less. Siblings of the same family and generation
set the prior mean, adjusted by the size slope within families (`family_prior`). A model with neither own scores nor
scored siblings gets basis "none".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from advisor.fit.quality import family_prior
from advisor.fit.quality.factor_model import Floats, ScoreRows, fit, posterior
from advisor.fit.spec import Evidence, Strength

ABILITIES = ("chat", "coding", "math", "reasoning", "long_context", "tool_use", "vision", "multilingual")
POINTS_PER_SD = (
    18.0  # the scale: 50 = mean of the models with scores in the use case, one standard deviation = 18 points
)
INTERVAL_SD = 1.2816  # 80 %
VENDOR_WEIGHT = 0.3
HALF_LIFE_YEARS = 1.5
UNDATED_YEARS = 2.0  # age taken for a score without a date
SUPERSEDED = 0.25  # weight of a score in a superseded version of a benchmark: it links the versions' scales
SAME_PUBLISHER_POWER = 0.6  # k slices of one leaderboard count as k ** 0.4 observations
OWN_VERSION_MODELS = 5  # a version with scores for fewer models is pooled with the benchmark's other versions
SCEPTICAL_MEAN = -0.3  # in standard deviations: untested models are, on the whole, not better than tested ones
INFERRED_SD = 0.4  # of an ability's standard deviation, added where the use case itself was never scored
GENERAL_SHARE = 0.4  # of the weights of "general" must be scored for it to rest on evidence
NONE_MARGIN = 5.0  # points below the weakest scored model of the size class, and never above the lowest quarter


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Model facts that strength depends on; `released` is an ISO date, parameters are counts, task as in `spec`."""

    slug: str
    name: str
    hub_id: str
    family: str
    organisation: str
    released: str | None
    parameters_total: int | None
    parameters_active: int | None
    task: str = "generate"
    input_modalities: tuple[str, ...] = ("text",)


@cache
def tables() -> dict[str, Any]:
    """Names, weights and quantization losses, with their sources (`data/quality.json`)."""
    text = files("advisor.fit").joinpath("data/quality.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def strengths(models: Sequence[ModelFacts], evidence: Sequence[tuple[str, Evidence]]) -> dict[str, dict[str, Strength]]:
    """Strength by model slug and use case. Ignores evidence of unknown slugs or use cases; order does not matter."""
    known = {m.slug: m for m in models}
    chosen = _choose([(slug, e) for slug, e in evidence if slug in known])
    result: dict[str, dict[str, Strength]] = {m.slug: {} for m in models}
    for task, names in (("generate", ABILITIES), ("embedding", ("embedding",)), ("rerank", ("embedding",))):
        group = sorted((m for m in models if m.task == task), key=lambda m: m.slug)
        if group:
            _rate(group, names, chosen, result)
    return result


def canonical(benchmark: str) -> str:
    """Canonical benchmark name: lower case, aliases resolved."""
    name = benchmark.strip().lower()
    return str(tables()["aliases"].get(name, name))


def quantization_loss(quantization: str, parameters_total: int | None, native: str = "") -> float:
    """Points of the 0..100 scale lost to a quantization; larger models lose less, the native form loses nothing.

    Names as publishers spell them ("Q4_K_M", "UD-Q2_K_XL"). Raises KeyError on an unknown name.
    """
    table = tables()["quantization"]
    name = _quantization(quantization)
    if native and name == _quantization(native):
        return 0.0
    reference = float(table["reference_parameters"])
    scale = float(((parameters_total or reference) / reference) ** -float(table["size_power"]))
    bounded = min(max(scale, float(table["smallest_scale"])), float(table["largest_scale"]))
    return float(table["loss"][name]) * bounded


def kv_loss(kv_type: str) -> float:
    """Points lost to a quantized KV cache of the given ggml type. Raises KeyError on an unknown name."""
    return float(tables()["kv_cache"]["loss"][kv_type.lower()])


def _quantization(name: str) -> str:
    plain = name.upper().replace("-", "_").removeprefix("UD_")
    return str(tables()["quantization"]["aliases"].get(plain, plain))


@dataclass(frozen=True, slots=True)
class _Row:
    slug: str
    item: str
    benchmark: str
    publisher: str
    use_case: str
    score: float
    evidence: Evidence


def _logit(evidence: Evidence, rating: bool) -> float:
    """Elo ratings and percentages on one scale: natural log-odds."""
    if rating:
        return evidence.value * float(np.log(10)) / 400
    share = min(max(evidence.value / 100, 0.01), 0.99)
    return float(np.log(share / (1 - share)))


def _choose(evidence: list[tuple[str, Evidence]]) -> list[_Row]:
    """One row per model and item: the best setting under which the model was listed."""
    table = tables()
    names, weights, inverted = table["use_case_names"], table["weights"], set(table["lower_is_better"])
    lines = [(slug, e, canonical(e.benchmark)) for slug, e in evidence]
    ratings = {(name, e.metric) for _, e, name in lines if "rating" in e.metric.lower()}
    covered: dict[tuple[str, str, bool], set[str]] = {}
    for slug, e, name in lines:
        covered.setdefault((name, e.version, e.third_party), set()).add(slug)
    best: dict[tuple[str, str], _Row] = {}
    for slug, e, name in lines:
        if weights.get(name, 1.0) == 0.0:
            continue
        rating = (name, e.metric) in ratings
        version = e.version if len(covered[name, e.version, e.third_party]) >= OWN_VERSION_MODELS else "*"
        item = "|".join((name, version, "rating" if rating else "share", str(e.third_party)))
        score = _logit(e, rating) * (-1 if name in inverted else 1)
        use_case = names.get(e.use_case, e.use_case)
        row = _Row(slug, item, name, name.split()[0], use_case, score, e)
        held = best.get((slug, item))
        if held is None or (score, e.date or "", e.source) > (
            held.score,
            held.evidence.date or "",
            held.evidence.source,
        ):
            best[slug, item] = row
    return [best[key] for key in sorted(best)]


def _years(text: str | None) -> float | None:
    if not text:
        return None
    parts = (text + "-01-01")[:10] if len(text) == 4 else (text + "-01")[:10]
    return date.fromisoformat(parts).toordinal() / 365.25


def _weights(rows: list[_Row]) -> Floats:
    """Weight of each row as a share of a full observation, from benchmark weight, source, age and sibling slices."""
    years = [_years(r.evidence.date) for r in rows]
    newest = max((y for y in years if y is not None), default=0.0)
    latest: dict[tuple[str, str], str] = {}
    for r in rows:
        latest[r.slug, r.benchmark] = max(latest.get((r.slug, r.benchmark), ""), r.evidence.date or "")
    current = [1.0 if (r.evidence.date or "") == latest[r.slug, r.benchmark] else SUPERSEDED for r in rows]
    slices: dict[tuple[str, str, str], float] = {}
    for r, share in zip(rows, current, strict=True):
        key = (r.slug, r.use_case, r.publisher)
        slices[key] = slices.get(key, 0.0) + share
    weights = [
        tables()["weights"].get(r.benchmark, 1.0)
        * share
        * (1.0 if r.evidence.third_party else VENDOR_WEIGHT)
        * 0.5 ** ((newest - (newest - UNDATED_YEARS if y is None else y)) / HALF_LIFE_YEARS)
        / slices[r.slug, r.use_case, r.publisher] ** SAME_PUBLISHER_POWER
        for r, y, share in zip(rows, years, current, strict=True)
    ]
    return np.array(weights)


def _arrays(group: Sequence[ModelFacts], abilities: tuple[str, ...], rows: list[_Row]) -> ScoreRows:
    model = {m.slug: i for i, m in enumerate(group)}
    item = {name: j for j, name in enumerate(sorted({r.item for r in rows}))}
    return ScoreRows(
        model=np.array([model[r.slug] for r in rows], dtype=np.int64),
        item=np.array([item[r.item] for r in rows], dtype=np.int64),
        use_case=np.array([abilities.index(r.use_case) for r in rows], dtype=np.int64),
        score=np.array([r.score for r in rows]),
        weight=_weights(rows),
        models=len(group),
        items=len(item),
        use_cases=len(abilities),
    )


def latent_abilities(
    group: Sequence[ModelFacts], names: tuple[str, ...], rows: list[_Row]
) -> tuple[Floats, Floats, ScoreRows]:
    """Posterior means (models x use cases) and covariances under the sibling prior, and the rows as arrays."""
    arrays = _arrays(group, names, rows)
    items = fit(arrays)
    mean = np.full((arrays.models, arrays.use_cases), SCEPTICAL_MEAN) * np.sqrt(np.diag(items.covariance))
    first = posterior(arrays, items, mean, items.covariance)
    prior_mean, prior_covariance = family_prior.prior(group, arrays, first, mean, items.covariance)
    return *posterior(arrays, items, prior_mean, prior_covariance), arrays


def _rate(
    group: Sequence[ModelFacts],
    names: tuple[str, ...],
    chosen: list[_Row],
    result: dict[str, dict[str, Strength]],
) -> None:
    slugs = {m.slug for m in group}
    rows = [r for r in chosen if r.slug in slugs and r.use_case in names]
    mean, spread, arrays = latent_abilities(group, names, rows)
    scored = np.zeros((arrays.models, arrays.use_cases), dtype=bool)
    scored[arrays.model, arrays.use_case] = True
    used = _listed(rows)
    speaks = family_prior.inferable(group, scored)
    spread = _widen(spread, scored)
    columns = [(name, mean[:, u], spread[:, u, u], scored[:, u]) for u, name in enumerate(names)]
    if "chat" in names:
        columns.append(_general(names, mean, spread, scored))
    for name, centre, variance, has in columns:
        points, width = _scale(centre, np.sqrt(variance), has)
        floor = _floors(group, points, has)
        for i, m in enumerate(group):
            if name == "vision" and "image" not in m.input_modalities:
                continue
            low, high = points[i] - width[i], points[i] + width[i]
            value = Strength(_clip(points[i]), _clip(low), _clip(high), "evidence", used.get((m.slug, name), ()))
            if not has[i]:
                ground = speaks(i, names.index(name) if name in names else None)
                value = replace(value, basis="inferred") if ground else _none(floor[i], float(points[i]))
            result[m.slug][name] = value


def _general(names: tuple[str, ...], mean: Floats, spread: Floats, scored: Any) -> tuple[str, Floats, Floats, Any]:
    share = tables()["general"]["weights"]
    w = np.array([share.get(name, 0.0) for name in names])
    return "general", mean @ w, np.einsum("u,nuv,v->n", w, spread, w), scored @ w >= GENERAL_SHARE


def _widen(spread: Floats, scored: Any) -> Floats:
    """Widens the variance of inferred abilities: they differ in ways that the fitted correlation does not capture."""
    extra = np.where(scored, 0.0, INFERRED_SD**2)
    return spread + extra[:, :, None] * np.eye(scored.shape[1])


def _scale(centre: Floats, sd: Floats, has: Any) -> tuple[Floats, Floats]:
    held = centre[has] if has.sum() > 2 else centre
    one = POINTS_PER_SD / max(float(held.std()), 1e-6)
    return 50 + (centre - held.mean()) * one, INTERVAL_SD * sd * one


def _clip(points: float) -> float:
    return round(float(min(max(points, 0.0), 100.0)), 1)


def _floors(group: Sequence[ModelFacts], points: Floats, has: Any) -> Floats:
    """Per model, the weakest scored model within a factor of two of its size, at most the lowest quarter of all."""
    size = np.log2(np.array([m.parameters_total or np.nan for m in group], dtype=float))
    known = np.flatnonzero(has & np.isfinite(size))
    known = known[np.argsort(size[known])]
    # Search a slightly wider range, then apply the exact rule, so that a rounding error in the last bit cannot matter.
    first, last = np.searchsorted(size[known], size - 1.001), np.searchsorted(size[known], size + 1.001)
    weakest = np.full(len(group), np.inf)
    for i in np.flatnonzero(np.isfinite(size)):
        close = known[first[i] : last[i]]
        weakest[i] = points[close[np.abs(size[close] - size[i]) <= 1]].min(initial=np.inf)
    lowest_quarter = np.quantile(points[has], 0.25) if has.any() else NONE_MARGIN
    floors: Floats = np.minimum(weakest, lowest_quarter)
    return floors


def _none(floor: float, expected: float) -> Strength:
    return Strength(_clip(floor - NONE_MARGIN), 0.0, _clip(max(expected, floor)), "none")


def _listed(rows: list[_Row]) -> dict[tuple[str, str], tuple[Evidence, ...]]:
    """Evidence to show: per model, use case and benchmark the newest version's best row; third party before vendor."""
    newest: dict[tuple[str, str, str], Evidence] = {}
    for r in rows:
        key = (r.slug, r.use_case, r.benchmark)
        held = newest.get(key)
        rank = (r.evidence.third_party, r.evidence.date or "", r.score)
        if held is None or rank > (held.third_party, held.date or "", -np.inf):
            newest[key] = r.evidence
    listed: dict[tuple[str, str], tuple[Evidence, ...]] = {}
    for (slug, use_case, _), e in newest.items():
        for shown in (use_case, "general") if use_case in tables()["general"]["weights"] else (use_case,):
            listed[slug, shown] = (*listed.get((slug, shown), ()), e)
    return listed
