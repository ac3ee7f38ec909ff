"""Hardware-independent requirements of a workload (task, licence, modality, ...), checked for all models at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advisor.fit.spec import REASONS, ModelSpec, Strength, Workload

NO_STRENGTH = Strength(score=0.0, low=0.0, high=0.0, basis="none")
MEETS = -1  # every requirement is met

Bools = NDArray[np.bool_]
Codes = NDArray[np.int8]  # indices into spec.REASONS, or MEETS


def context_limit(model: ModelSpec) -> int | None:
    """Maximum context in tokens: the smaller of the catalog's figure and the header's; None when neither is known."""
    layout = next((b.sizes.context_length for b in model.builds if b.sizes and b.sizes.context_length), None)
    return min((limit for limit in (layout, model.context_length) if limit), default=None)


@dataclass(frozen=True, slots=True)
class Traits:
    """The model properties that requirements test, as parallel arrays with one entry per model.

    Built once per catalog version.
    """

    task: NDArray[np.object_]
    licence: NDArray[np.object_]
    commercial: Bools  # commercial use allowed, possibly under conditions
    reads: dict[str, Bools]  # by modality
    speaks: dict[str, Bools]  # by language
    silent: Bools  # states no languages
    tool_use: Bools
    reasoning: Bools
    limit: NDArray[np.float64]  # context in tokens; infinite where unknown

    @classmethod
    def of(cls, models: Sequence[ModelSpec]) -> Traits:
        return cls(
            task=np.array([model.task for model in models], dtype=object),
            licence=np.array([model.licence for model in models], dtype=object),
            commercial=_flags(model.commercial in ("yes", "conditions") for model in models),
            reads=_members([model.input_modalities or ("text",) for model in models]),
            speaks=_members([model.languages for model in models]),
            silent=_flags(not model.languages for model in models),
            tool_use=_flags(model.tool_use is True for model in models),
            reasoning=_flags(model.reasoning is True for model in models),
            limit=np.array([context_limit(model) or np.inf for model in models], dtype=np.float64),
        )


def _flags(values: Iterable[bool]) -> Bools:
    return np.fromiter(values, dtype=bool)


def _members(sets: Sequence[Sequence[str]]) -> dict[str, Bools]:
    """Boolean mask per name: which sets contain it."""
    names = sorted({name for one in sets for name in one})
    return {name: _flags(name in one for one in sets) for name in names}


def _all_of(known: dict[str, Bools], names: Iterable[str], count: int) -> Bools:
    found = np.ones(count, dtype=bool)
    for name in names:
        found &= known.get(name, False)
    return found


def _task(traits: Traits, workload: Workload) -> Bools:
    return np.asarray(traits.task == ("embedding" if workload.use_case == "embedding" else "generate"))


def _licence(traits: Traits, workload: Workload) -> Bools:
    if workload.licence == "any":
        return np.ones_like(traits.commercial)
    if workload.licence == "commercial":
        return traits.commercial
    return np.isin(traits.licence, workload.licence)


def _modality(traits: Traits, workload: Workload) -> Bools:
    wanted = {*workload.input_modalities, *(("image",) if workload.use_case == "vision" else ())}
    return _all_of(traits.reads, wanted, len(traits.task))


def _language(traits: Traits, workload: Workload) -> Bools:
    # Most publishers state no list of languages. Not stated is not the same as not supported, so such a model is kept
    # and its reasons say so.
    return traits.silent | _all_of(traits.speaks, workload.languages, len(traits.task))


def _tool_use(traits: Traits, workload: Workload) -> Bools:
    wanted = workload.tool_use or workload.use_case == "tool_use"
    return traits.tool_use if wanted else np.ones_like(traits.tool_use)


def _reasoning(traits: Traits, workload: Workload) -> Bools:
    wanted = workload.reasoning
    return np.ones_like(traits.reasoning) if wanted is None else traits.reasoning == wanted


def _context(traits: Traits, workload: Workload) -> Bools:
    return np.asarray(workload.context <= traits.limit)


RULES: tuple[tuple[str, Callable[[Traits, Workload], Bools]], ...] = (
    ("embedding", _task),
    ("licence", _licence),
    ("modality", _modality),
    ("language", _language),
    ("tool_use", _tool_use),
    ("reasoning", _reasoning),
    ("context", _context),
)


def missed(traits: Traits, workload: Workload) -> Codes:
    """Per model, the first requirement in RULES order that it misses, as an index into spec.REASONS, or MEETS."""
    found = np.full(len(traits.task), MEETS, dtype=np.int8)
    for reason, holds in reversed(RULES):
        found[~holds(traits, workload)] = REASONS.index(reason)
    return found


def strength(model: ModelSpec, workload: Workload) -> Strength:
    return model.strengths.get(workload.use_case, NO_STRENGTH)
