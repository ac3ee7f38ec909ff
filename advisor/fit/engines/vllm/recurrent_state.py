"""Bytes of one recurrent layer's state for one request (`model_executor/layers/mamba/mamba_utils.py`)."""

from __future__ import annotations

from advisor.fit.engines.vllm.config import ConfigReading, NotServed, UnknownConfig
from advisor.fit.engines.vllm.model_classes import State

MODEL_BYTES = 2  # bfloat16 or float16; vLLM casts float32 checkpoints down
PRECISIONS = {"float32": 4, "bfloat16": 2, "float16": 2, "auto": MODEL_BYTES}
DERIVED = frozenset(("inner", "expand", "head_dim"))
# Mamba-2 states are stored once more, at the boundary that a later prompt can reuse (`mamba_mixer2.py`).
CHECKPOINTED = frozenset(("mamba2",))


def state_bytes(reading: ConfigReading, tp: int, forced: int | None = None) -> int:
    """Bytes on one rank. `forced`: bytes of a recurrent value where the platform fixes them.

    Raises UnknownConfig, or NotServed when `tp` ranks cannot share the state.
    """
    rule = reading.family.state
    if rule is None:
        raise UnknownConfig(f"The state of {reading.architecture} is not known.")
    value = forced or _precision(reading, rule)
    words = state_words(reading, rule)
    conv = words.get("conv", 1) - 1
    if rule.kind == "delta":
        width = 2 * words["k_heads"] * words["k_dim"] + words["v_heads"] * words["v_dim"]
        rows = _share(words["v_heads"], tp) * words["k_dim"] * words["v_dim"]
    elif rule.kind == "mamba2":
        inner = words.get("inner") or words.get("expand", 0) * reading.number("hidden_size")
        inner = inner or words["heads"] * words["head_dim"]
        groups = _groups(words["groups"], tp)
        width = inner + 2 * groups * words["state"]
        head_dim = words["head_dim"] or inner // words["heads"]
        rows = _share(words["heads"], tp) * head_dim * words["state"]
    elif rule.kind == "mamba1":
        width = words.get("inner") or words["expand"] * reading.number("hidden_size")
        rows = _share(width, tp) * words["state"]
    elif rule.kind == "short_conv":
        width, rows = words["inner"], 0
    else:  # linear: a square matrix per head and no convolution
        head_dim = words["head_dim"] or reading.number("hidden_size") // words["heads"]
        width, rows = 0, _share(words["heads"], tp) * head_dim**2
    return _share(width, tp) * conv * MODEL_BYTES + rows * value


def _groups(groups: int, tp: int) -> int:
    """A single group is replicated on every device; several must be divisible by `tp` (`mamba_mixer2.py`)."""
    if groups > 1 and groups % tp:
        raise NotServed(f"vLLM cannot share {groups} Mamba groups among {tp} devices.")
    return max(groups, tp) if groups == 1 else groups


def state_words(reading: ConfigReading, rule: State) -> dict[str, int]:
    """The rule's terms with their values. Raises UnknownConfig when the configuration misses one."""
    return {word: _word(reading, word, field) for word, field in rule.fields.items()}


def _word(reading: ConfigReading, word: str, field: str) -> int:
    """A field's value; 0 for a derivable field that is missing or "auto"."""
    is_open = word in DERIVED and reading.fields.get(field) in (None, "auto")
    return 0 if is_open else reading.number(field)


def _precision(reading: ConfigReading, rule: State) -> int:
    if rule.precision is None:
        return MODEL_BYTES
    name, default = rule.precision
    said = reading.fields.get(name) or default or "auto"
    if said not in PRECISIONS:
        raise UnknownConfig(f"{name} {said!r} is not one of {', '.join(PRECISIONS)}.")
    return PRECISIONS[said]


def _share(size: int, tp: int) -> int:
    if size % tp:
        raise NotServed(f"vLLM cannot share a recurrent state of {size} among {tp} devices.")
    return size // tp
