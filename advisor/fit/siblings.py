"""What a model's own family and generation say about it: the prior of its abilities, never a substitute for evidence.

A sibling is a model of the same family and task, released within a year. Its ability, moved along the size slope that
is found inside families, is the expectation; how far it counts falls with the difference in size and in date.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from advisor.fit.latent import Floats, Rows

GENERATION_YEARS = 1.0
SAME_SD = 0.35  # of an ability's standard deviation: two siblings of one size and date still differ
SD_PER_STEP = 1.0  # of the size coordinate
SIZE_POWER = -0.25  # ability grows with size as in scaling laws: fast below 10 billion parameters, slowly above
SD_PER_YEAR = 0.6


class Facts(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def family(self) -> str: ...
    @property
    def organisation(self) -> str: ...
    @property
    def released(self) -> str | None: ...
    @property
    def parameters_total(self) -> int | None: ...
    @property
    def parameters_active(self) -> int | None: ...


def size_coordinate(model: Facts) -> float:
    """Size on a scale on which ability is about linear inside families (1B -1.0, 8B -0.6, 70B -0.35).

    Of a mixture of experts the geometric mean of all and active parameters counts.
    """
    if not model.parameters_total:
        return float("nan")
    effective = float(model.parameters_total * (model.parameters_active or model.parameters_total)) ** 0.5
    return -float((effective / 1e9) ** SIZE_POWER)


def _related(group: Sequence[Facts]) -> tuple[Any, Floats, Floats]:
    """Sibling mask, difference of the size coordinate (row minus column) and of years.

    A model of unknown size or date is nobody's sibling.
    """
    family = np.unique([f"{m.organisation}/{m.family}".lower() for m in group], return_inverse=True)[1]
    size = np.array([size_coordinate(m) for m in group])
    days = [np.datetime64(m.released) if m.released else np.datetime64("NaT") for m in group]
    year = np.array(days, dtype="datetime64[D]").astype(float) / 365.25
    year[np.isnat(np.array(days, dtype="datetime64[D]"))] = np.nan
    larger, years = size[:, None] - size[None, :], year[:, None] - year[None, :]
    same = (family[:, None] == family[None, :]) & (np.abs(years) <= GENERATION_YEARS) & np.isfinite(larger)
    np.fill_diagonal(same, False)
    return same, np.nan_to_num(larger), np.nan_to_num(years)


def prior(
    group: Sequence[Facts], rows: Rows, first: tuple[Floats, Floats], mean: Floats, covariance: Floats
) -> tuple[Floats, Floats]:
    """Prior mean (models x use cases) and covariance per model from scored siblings' first posterior `first`."""
    theta, spread = first
    variance = np.diagonal(spread, axis1=1, axis2=2)
    scored = np.zeros(theta.shape, dtype=bool)
    scored[rows.model, rows.use_case] = True
    same, larger, years = _related(group)
    same &= np.asarray(scored.any(axis=1))[None, :]
    sd = np.sqrt(np.diag(covariance))
    gain = _slope(theta, scored, same, larger)
    distance = SAME_SD**2 + (SD_PER_STEP * larger) ** 2 + (SD_PER_YEAR * years) ** 2
    said = same[:, :, None] / (variance[None, :, :] + distance[:, :, None] * sd**2)
    expected = theta[None, :, :] + gain * larger[:, :, None]
    strength = said.max(axis=1)  # siblings share what they get wrong: their precision does not add up
    average = (said * expected).sum(1) / np.maximum(said.sum(1), 1e-12)
    own = 1 / sd**2
    precision = own + strength
    width = 1 / np.sqrt(precision)
    correlation = covariance / np.outer(sd, sd)
    return (own * mean + strength * average) / precision, correlation * width[:, :, None] * width[:, None, :]


def _slope(theta: Floats, scored: Any, same: Any, larger: Floats) -> Floats:
    """Ability gained per step of size, per use case, over pairs of siblings that were both scored in it."""
    pairs = same[:, :, None] & scored[:, None, :] & scored[None, :, :]
    steps = larger[:, :, None]
    change = theta[:, None, :] - theta[None, :, :]
    gained: Floats = (pairs * change * steps).sum((0, 1)) / ((pairs * steps**2).sum((0, 1)) + 0.1)
    return np.maximum(gained, 0.0)


def sources(group: Sequence[Facts], scored: Any) -> Callable[[int, int | None], str]:
    """A function (model, use case or None for the combination) -> what an inference rests on, or "" when on nothing."""
    same, larger, _ = _related(group)
    any_scored = scored.any(axis=1)

    def words(i: int, use_case: int | None) -> str:
        has = any_scored if use_case is None else scored[:, use_case]
        near = sorted(np.flatnonzero(same[i] & has).tolist(), key=lambda s: (abs(larger[i, s]), group[s].name))
        if near:
            return "inferred from " + ", ".join(group[s].name for s in near[:3]) + " of the same family"
        return "inferred from its scores in other use cases" if any_scored[i] else ""

    return words
