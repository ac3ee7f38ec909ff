"""Typed access to GGUF metadata, with the key names and llama.cpp's defaults for missing keys."""

from __future__ import annotations

from typing import Any

from advisor.fit.engines.llama_cpp.architecture_facts import (
    DEFAULT_WINDOW,
    FULL_LAYER_FIRST,
    WINDOW_IGNORED,
    WINDOW_PERIOD,
)

MAX_BLOCKS = 512  # LLAMA_MAX_LAYERS of `src/llama-hparams.h`
MOST = (1 << 31) - 1


class Metadata:
    """Typed reads of `<arch>.<key>`; per-layer lists and single values are read alike.

    Files are untrusted: a value that is not a whole number from 0 up raises ValueError with the key's name. An
    architecture name that is not printable raises one without it.
    """

    def __init__(self, kv: dict[str, Any]) -> None:
        self.kv = kv
        self.arch = str(kv.get("general.architecture", ""))
        if not self.arch.isprintable():  # error messages quote it
            raise ValueError("The file's architecture (general.architecture) is no name that can be printed.")
        self.blocks = self.number("block_count")
        self.hidden = self.number("embedding_length")

    def get(self, key: str) -> Any:
        return self.kv.get(f"{self.arch}.{key}")

    def number(self, key: str, default: int = 0) -> int:
        """The value, or the maximum of a per-layer list."""
        value = self.get(key)
        if isinstance(value, list | tuple):
            return max((self._whole(key, v) for v in value), default=default)
        return default if value is None else self._whole(key, value)

    def at(self, key: str, layer: int, default: int = 0) -> int:
        value = self.get(key)
        if isinstance(value, list | tuple):
            if layer >= len(value):
                raise ValueError(f"The metadata key '{self.arch}.{key}' has {len(value)} values for more blocks.")
            return self._whole(key, value[layer])
        return default if value is None else self._whole(key, value)

    def _whole(self, key: str, value: Any) -> int:
        if not isinstance(value, int) or not 0 <= value <= MOST:
            raise ValueError(f"The metadata key '{self.arch}.{key}' must be a whole number from 0 to {MOST}.")
        return int(value)

    def heads(self, layer: int) -> int:
        return self.at("attention.head_count", layer)

    def kv_heads(self, layer: int) -> int:
        return self.at("attention.head_count_kv", layer, self.heads(layer))

    def head_dim(self, which: str, layer: int) -> int:
        """Values per head of "key" or "value"; layers with a window may have their own (`..._swa`)."""
        default = self.hidden // max(1, self.number("attention.head_count"))
        if self.window(layer) is not None and self.get(f"attention.{which}_length_swa") is not None:
            return self.number(f"attention.{which}_length_swa")
        return self.number(f"attention.{which}_length", default)

    def window(self, layer: int) -> int | None:
        """Tokens of the layer's attention window; None for full attention."""
        window = self.number("attention.sliding_window", DEFAULT_WINDOW.get(self.arch, 0))
        if not window or self.arch in WINDOW_IGNORED:
            return None
        pattern = self.get("attention.sliding_window_pattern")
        if isinstance(pattern, list | tuple):
            return window if layer < len(pattern) and pattern[layer] else None
        period = self.number("attention.sliding_window_pattern") or WINDOW_PERIOD.get(self.arch, 0)
        if period == 0:
            return None
        full = layer % period == (0 if self.arch in FULL_LAYER_FIRST else period - 1)
        return None if full else window
