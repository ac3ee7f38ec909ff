"""Parses settings under llama.cpp's short flag names into `Settings` and the tensors overridden to the host."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from advisor.fit.engines.llama_cpp.settings import Settings

ALL_LAYERS = 1 << 16
MAX_PATTERN = 64 << 10
CACHE_TYPES = ("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1")
FLASH = {"auto": None, "on": True, "off": False, -1: None, 0: False, 1: True}
EXPERTS = r"\.ffn_(up|down|gate|gate_up)_(ch|)exps"  # the override that --cpu-moe expands to
FIRST_EXPERTS = re.compile(r"blk\\\.(\d+)\\\.ffn_\(up\|down\|gate\|gate_up\)_\(ch\|\)exps")  # and that of --n-cpu-moe


@dataclass(frozen=True, slots=True)
class Request:
    settings: Settings
    moved: re.Pattern[str] | None = None  # None: the routed experts


def read_settings(row: Mapping[str, Any]) -> Request:
    """Parses one row of settings with llama.cpp's short names.

    Args:
        row: any of the `KNOWN` keys; `fa` is -1 for auto, `par` the number of slots, `ngl` -1 for all layers.

    Raises:
        ValueError: one sentence that names the setting and what would be valid.
    """
    unknown = sorted(set(row) - KNOWN)
    if unknown:
        raise ValueError(f"The setting {unknown[0]!r} is not known; known are {', '.join(sorted(KNOWN))}.")
    devices = _whole(row, "ndev", 0, 0, 16)
    layers = _whole(row, "ngl", 0, -1, ALL_LAYERS)
    settings = Settings(
        context=_whole(row, "ctx", 4096, 1, 1 << 28),
        slots=_whole(row, "par", 1, 1, 256),
        unified=bool(_whole(row, "unified", 0, 0, 1)),
        kv_type_k=_choice(row, "ctk", "f16", CACHE_TYPES),
        kv_type_v=_choice(row, "ctv", "f16", CACHE_TYPES),
        flash_attention=FLASH[_choice(row, "fa", -1, (-1, 0, 1))],
        gpu_layers=ALL_LAYERS if layers < 0 else layers,
        devices=devices,
        tensor_split=_split(row.get("ts"), devices),
        batch=_whole(row, "batch", 2048, 1, 1 << 20),
        ubatch=_whole(row, "ubatch", 512, 1, 1 << 20),
        kv_offload=bool(_whole(row, "kvo", 1, 0, 1)),
        outputs=_choice(row, "out", "server", ("server", "lib")),
        embedding=bool(_whole(row, "emb", 0, 0, 1)),
        swa_full=bool(_whole(row, "swafull", 0, 0, 1)),
    )
    if settings.flash_attention is False and settings.kv_type_v not in ("f32", "f16", "bf16"):
        raise ValueError("The setting 'ctv' can be quantised only with flash attention ('fa' -1 or 1).")
    return _moved(settings, row.get("ot") or "")


# "note" is a remark beside the settings and changes nothing.
KNOWN = frozenset(
    [
        "ctx",
        "batch",
        "ubatch",
        "par",
        "unified",
        "fa",
        "ctk",
        "ctv",
        "ndev",
        "ngl",
        "kvo",
        "ot",
        "ts",
        "out",
        "emb",
        "swafull",
        "note",
    ]
)


def _whole(row: Mapping[str, Any], key: str, default: int, low: int, high: int) -> int:
    value = row.get(key, default)
    value = default if value is None else value
    if not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"The setting {key!r} must be a whole number from {low} to {high}.")
    return int(value)


def _choice(row: Mapping[str, Any], key: str, default: Any, allowed: tuple[Any, ...]) -> Any:
    value = row.get(key, default)
    if value not in allowed:
        raise ValueError(f"The setting {key!r} must be one of {', '.join(map(str, allowed))}.")
    return value


def _split(text: Any, devices: int) -> tuple[float, ...] | None:
    """Shares per device, as in "3,1"; devices without a share get nothing, as in llama.cpp."""
    if not text:
        return None
    try:
        shares = tuple(float(part) for part in str(text).replace("/", ",").split(","))
    except ValueError:
        shares = ()
    if not shares or min(shares) < 0 or not 0 < sum(shares) < float("inf") or len(shares) > max(devices, 1):
        raise ValueError("The setting 'ts' must be one share per device, such as 3,1.")
    return shares + (0.0,) * (devices - len(shares))


def _moved(settings: Settings, text: Any) -> Request:
    """Parses tensor overrides `pattern=CPU`, joined by comma or semicolon; buffers other than CPU are rejected."""
    if not text:
        return Request(settings)
    if not isinstance(text, str) or len(text) > MAX_PATTERN:
        raise ValueError("The setting 'ot' must be text such as exps=CPU.")
    patterns = []
    for part in re.split("[;,]", text):
        pattern, _, buffer = part.rpartition("=")
        if not pattern or buffer != "CPU":
            raise ValueError("The setting 'ot' must be PATTERN=CPU; other buffers than CPU are not estimated.")
        patterns.append(pattern)
    everything = settings._replace(experts_on_cpu=ALL_LAYERS, override=text)
    if patterns == [EXPERTS]:
        return Request(everything)
    numbers = [FIRST_EXPERTS.fullmatch(pattern) for pattern in patterns]
    if [int(m[1]) for m in numbers if m] == list(range(len(patterns))):
        return Request(settings._replace(experts_on_cpu=len(patterns), override=text))
    try:
        return Request(everything, re.compile("|".join(f"(?:{p})" for p in patterns)))
    except re.error as error:
        raise ValueError(f"The setting 'ot' holds a pattern that cannot be read: {error.msg}.") from None
