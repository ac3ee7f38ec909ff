"""Prior of a model's abilities from siblings in its family and generation; never a substitute for evidence.

A sibling is a model of the same family and task, released within a year. Its ability, shifted along the size slope
fitted within families, is the prior mean; its precision falls with the difference in size and in release date.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from advisor.fit.quality.factor_model import Floats, Ints, ScoreRows

Bools = NDArray[np.bool_]

GENERATION_YEARS = 1.0
SAME_SD = 0.35  # of an ability's standard deviation: two siblings of equal size and date still differ
SD_PER_STEP = 1.0  # per unit of the size coordinate
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
    """Size on a scale on which ability is about linear within families (1B -1.0, 8B -0.6, 70B -0.35).

    A mixture of experts counts as the geometric mean of its total and active parameters.
    """
    if not model.parameters_total:
        return float("nan")
    effective = float(model.parameters_total * (model.parameters_active or model.parameters_total)) ** 0.5
    return -float((effective / 1e9) ** SIZE_POWER)


@dataclass(frozen=True, slots=True)
class Family:
    """Models of one family by their index in the group, and arrays of (model, sibling)."""

    members: Ints
    same: Bools  # whether the two are siblings
    larger: Floats  # difference of the size coordinate, row minus column
    years: Floats


def families(group: Sequence[Facts]) -> list[Family]:
    """Families that contain siblings. A model of unknown size or date has no siblings."""
    names: dict[str, list[int]] = {}
    for i, model in enumerate(group):
        names.setdefault(f"{model.organisation}/{model.family}".lower(), []).append(i)
    size = np.array([size_coordinate(m) for m in group])
    year = np.array([_year(m) for m in group])
    found = []
    for places in names.values():
        members = np.array(places)
        larger = size[members][:, None] - size[members][None, :]
        years = year[members][:, None] - year[members][None, :]
        same = (np.abs(years) <= GENERATION_YEARS) & np.isfinite(larger)
        np.fill_diagonal(same, False)
        if same.any():
            found.append(Family(members, same, np.nan_to_num(larger), np.nan_to_num(years)))
    return found


def _year(model: Facts) -> float:
    return float(np.datetime64(model.released, "D").astype(float)) / 365.25 if model.released else float("nan")


def prior(
    group: Sequence[Facts], rows: ScoreRows, first: tuple[Floats, Floats], mean: Floats, covariance: Floats
) -> tuple[Floats, Floats]:
    """Prior mean (models x use cases) and covariance per model, from scored siblings' first posterior `first`."""
    theta, spread = first
    variance = np.diagonal(spread, axis1=1, axis2=2)
    scored = np.zeros(theta.shape, dtype=bool)
    scored[rows.model, rows.use_case] = True
    related = families(group)
    sd = np.sqrt(np.diag(covariance))
    gain = _slope(theta, scored, related)
    strength, average = np.zeros_like(theta), np.zeros_like(theta)
    for family in related:
        i = family.members
        distance = SAME_SD**2 + (SD_PER_STEP * family.larger) ** 2 + (SD_PER_YEAR * family.years) ** 2
        counted = family.same & np.asarray(scored[i].any(axis=1))[None, :]
        said = counted[:, :, None] / (variance[i][None, :, :] + distance[:, :, None] * sd**2)
        expected = theta[i][None, :, :] + gain * family.larger[:, :, None]
        strength[i] = said.max(axis=1)  # siblings share errors, so their precisions do not add up
        average[i] = (said * expected).sum(1) / np.maximum(said.sum(1), 1e-12)
    own = 1 / sd**2
    precision = own + strength
    width = 1 / np.sqrt(precision)
    correlation = covariance / np.outer(sd, sd)
    return (own * mean + strength * average) / precision, correlation * width[:, :, None] * width[:, None, :]


def _slope(theta: Floats, scored: Any, related: Sequence[Family]) -> Floats:
    """Ability gained per unit of size, per use case, over pairs of siblings scored in the same use case."""
    gained, counted = np.zeros(theta.shape[1]), np.zeros(theta.shape[1])
    for family in related:
        has, ability, steps = scored[family.members], theta[family.members], family.larger[:, :, None]
        pairs = np.asarray(family.same[:, :, None] & has[:, None, :] & has[None, :, :])
        gained += (pairs * (ability[:, None, :] - ability[None, :, :]) * steps).sum((0, 1))
        counted += (pairs * steps**2).sum((0, 1))
    return np.maximum(gained / (counted + 0.1), 0.0)


def inferable(group: Sequence[Facts], scored: Any) -> Callable[[int, int | None], bool]:
    """Predicate (model, use case or None for the combination): whether there is a basis for an inference.

    The basis is a scored sibling of the same generation, or the model's own scores in other use cases.
    """
    any_scored = scored.any(axis=1)
    held = {int(i): (family, row) for family in families(group) for row, i in enumerate(family.members)}

    def speaks(i: int, use_case: int | None) -> bool:
        has = any_scored if use_case is None else scored[:, use_case]
        if i in held:
            family, row = held[i]
            if (family.same[row] & has[family.members]).any():
                return True
        return bool(any_scored[i])

    return speaks
