"""What a workload asks of a model whatever the hardware: the first requirement that a model misses, or none."""

from __future__ import annotations

from collections.abc import Callable

from advisor.fit.spec import ModelSpec, Strength, Workload

NO_STRENGTH = Strength(score=0.0, low=0.0, high=0.0, basis="none")


def context_limit(model: ModelSpec) -> int | None:
    """Tokens the model was made for: the smaller of what the catalog and its layout say."""
    limits = [b.sizes.context_length for b in model.builds if b.sizes and b.sizes.context_length]
    return min([*limits[:1], *([model.context_length] if model.context_length else [])], default=None)


def modalities(workload: Workload) -> set[str]:
    return set(workload.input_modalities) | ({"image"} if workload.use_case == "vision" else set())


def _task(model: ModelSpec, workload: Workload) -> bool:
    return model.task == ("embedding" if workload.use_case == "embedding" else "generate")


def _licence(model: ModelSpec, workload: Workload) -> bool:
    if workload.licence == "any":
        return True
    if workload.licence == "commercial":
        return model.commercial in ("yes", "conditions")
    return model.licence in workload.licence


def _modality(model: ModelSpec, workload: Workload) -> bool:
    return modalities(workload) <= set(model.input_modalities or ("text",))


def _language(model: ModelSpec, workload: Workload) -> bool:
    # Most makers state no list. Not stated is not the same as not spoken: such a model stays, and its reasons say so.
    return not model.languages or set(workload.languages) <= set(model.languages)


def _tool_use(model: ModelSpec, workload: Workload) -> bool:
    wanted = workload.tool_use or workload.use_case == "tool_use"
    return not wanted or model.tool_use is True


def _reasoning(model: ModelSpec, workload: Workload) -> bool:
    return workload.reasoning is None or (model.reasoning is True) == workload.reasoning


def _context(model: ModelSpec, workload: Workload) -> bool:
    limit = context_limit(model)
    return limit is None or workload.context <= limit


def _engine(model: ModelSpec, workload: Workload) -> bool:
    return not model.builds or any(build.format == "gguf" for build in model.builds)


def _layout(model: ModelSpec, workload: Workload) -> bool:
    return any(build.format == "gguf" and build.sizes for build in model.builds)


RULES: tuple[tuple[str, Callable[[ModelSpec, Workload], bool]], ...] = (
    ("embedding", _task),
    ("licence", _licence),
    ("modality", _modality),
    ("language", _language),
    ("tool_use", _tool_use),
    ("reasoning", _reasoning),
    ("context", _context),
    ("engine", _engine),
    ("unknown_layout", _layout),
)


def missed(model: ModelSpec, workload: Workload) -> str | None:
    """The reason code of the first requirement the model misses."""
    return next((reason for reason, holds in RULES if not holds(model, workload)), None)


def strength(model: ModelSpec, workload: Workload) -> Strength:
    return model.strengths.get(workload.use_case, NO_STRENGTH)
