"""Reads a config.json as transformers 5.19 and vLLM 0.32 do: text model fields with the defaults of their type."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from advisor.fit.engines.vllm.model_classes import FAMILIES, SAME_AS, ModelClass

DATA = Path(__file__).resolve().parents[2] / "data" / "vllm_models.json"
# `config.get_text_config()`: where a multimodal checkpoint keeps its language model.
TEXT = ("text_config", "llm_config", "language_config", "thinker_config", "llm")
KV_HEADS = ("n_head_kv", "num_kv_heads", "num_key_value_heads", "multi_query_group_num", "num_attention_groups")
LENGTHS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "model_max_length", "max_seq_length")
# vLLM caches one latent vector per token for these, unless `kv_lora_rank` is missing (`is_deepseek_mla`).
LATENT_TYPES = frozenset(
    (
        *("axk1", "bailing_hybrid", "deepseek_v2", "deepseek_v3", "deepseek_v32", "glm4_moe_lite", "glm_moe_dsa"),
        *("kimi_k2", "kimi_linear", "longcat_flash", "pangu_ultra_moe"),
    )
)
# RoPE types whose `max_position_embeddings` already includes the scaling (`_get_and_verify_max_len`).
STRETCHED = frozenset(("su", "longrope", "llama3", "yarn", "deepseek_yarn", "deepseek_llama_scaling", "default"))
NO_LENGTH = 2048
MAX_LAYERS, LARGEST = 4096, 1 << 40  # of layers, and of any field: configurations are untrusted
# modelopt's name of a cache type -> --kv-cache-dtype (`MODELOPT_TO_VLLM_KV_CACHE_DTYPE_MAP`)
CHECKPOINT_CACHE = {"fp8": "fp8_e4m3"}


class UnknownConfig(ValueError):
    """The configuration does not state, in terms known to this version, what a layer caches; the message says why."""


class NotServed(ValueError):
    """vLLM does not start this combination; the message says why."""


@dataclass(frozen=True, slots=True)
class ConfigReading:
    """`fields`: of the text model. `outer`: the whole config.json. `typed`: layers have types, stated or by rule."""

    architecture: str
    family: ModelClass
    model_type: str
    fields: Mapping[str, Any]
    outer: Mapping[str, Any]
    typed: bool

    def get(self, name: str) -> Any:
        """A field, or `object.field` of a nested object; None when missing."""
        outer, _, inner = name.partition(".")
        value = self.fields.get(outer)
        return (value.get(inner) if isinstance(value, dict) else None) if inner else value

    def number(self, *names: str) -> int:
        """The first of these fields that is present, as a whole number. Raises UnknownConfig."""
        for name in names:
            value = self.get(name)
            if value is not None:
                if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST:
                    raise UnknownConfig(f"{name} must be a whole number, not {value!r}.")
                return int(value)
        raise UnknownConfig(f"The configuration of {self.model_type!r} does not say {names[0]}.")

    @property
    def layers(self) -> int:
        count = self.number(self.family.layers)
        if not 1 <= count <= MAX_LAYERS:
            raise UnknownConfig(f"{self.family.layers} must be from 1 to {MAX_LAYERS}, not {count}.")
        return count

    @property
    def heads(self) -> int:
        return self.number("num_attention_heads")

    @property
    def kv_heads(self) -> int:
        """As `get_total_num_kv_heads`: one per attention head by default."""
        if self.fields.get("multi_query") and not self.fields.get("new_decoder_architecture"):
            return 1
        return self.number(*KV_HEADS, "num_attention_heads")

    @property
    def head_dim(self) -> int:
        if self.is_latent:
            return self.number("kv_lora_rank") + self.number("qk_rope_head_dim")
        if self.fields.get("head_dim") or self.fields.get("attention_head_dim"):
            return self.number("head_dim", "attention_head_dim")
        return self.number("hidden_size") // self.heads

    @property
    def is_latent(self) -> bool:
        return self.model_type in LATENT_TYPES and self.fields.get("kv_lora_rank") is not None

    @property
    def checkpoint_cache(self) -> str:
        """The type behind --kv-cache-dtype auto, for a modelopt checkpoint that names one."""
        quantization = self.outer.get("quantization_config") or {}
        if not str(quantization.get("quant_method", "")).startswith("modelopt"):
            return "auto"
        inner = quantization.get("quantization", quantization)
        found = next(
            (q[key] for key in ("kv_cache_scheme", "kv_cache_quant_algo") for q in (inner, quantization) if q.get(key)),
            None,
        )
        if isinstance(found, dict):
            is_fp8 = (found.get("num_bits"), found.get("type"), found.get("dynamic")) == (8, "float", False)
            found = "fp8" if is_fp8 else str(found)
        if found is None:
            return "auto"
        if str(found).lower() not in CHECKPOINT_CACHE:
            raise UnknownConfig(f"The checkpoint's cache type {found!r} is not known here.")
        return CHECKPOINT_CACHE[str(found).lower()]

    @property
    def longest(self) -> int:
        """The `max_model_len` that vLLM derives when none is given."""
        given = [self.number(name) for name in LENGTHS if self.fields.get(name) is not None]
        length = float(min(given, default=NO_LENGTH))
        rope = self.fields.get("rope_parameters") or self.fields.get("rope_scaling") or {}
        kind = rope.get("rope_type", rope.get("type", "default"))
        if kind == "longrope":
            return int(self.outer.get("original_max_position_embeddings") or length)
        if kind not in STRETCHED and "gemma3" not in str(self.outer.get("model_type")):
            length *= rope.get("factor") or 1.0
        return int(length)


def read_config(config: Mapping[str, Any]) -> ConfigReading:
    """Parses a config.json.

    Raises UnknownConfig with one sentence when vLLM 0.32 lacks the architecture or its type.
    """
    names = config.get("architectures") or [None]
    architecture = names[0]
    family = FAMILIES.get(SAME_AS.get(architecture, architecture))
    if family is None:
        if architecture is None:
            raise UnknownConfig("The configuration names no architecture: its 'architectures' is empty or missing.")
        raise UnknownConfig(f"The architecture {architecture!r} is not one whose cache layout is known.")
    data = _data()
    outer_type = config.get("model_type")
    text: Mapping[str, Any] = config
    while nested := next((text[key] for key in TEXT if isinstance(text.get(key), dict)), None):
        text = nested
    said = text.get("model_type") or outer_type
    model_type = data["text"].get(said, said)
    known = data["models"]
    if model_type not in known or outer_type not in (*known, *data["wrappers"]):
        raise UnknownConfig(f"The model type {model_type!r} ({outer_type!r}) is not one whose fields are known.")
    if text is config and outer_type in data["text"] and text.get("num_hidden_layers") is None:
        raise UnknownConfig(f"The configuration of {outer_type!r} does not say num_hidden_layers of its text model.")
    defaults = known[model_type]
    fields = {**defaults["fields"], **text, **_under_both_names(text, defaults.get("aliases", {}))}
    typed = defaults.get("typed", False) or bool(fields.get("layer_types"))
    return ConfigReading(architecture, family, model_type, fields, config, typed)


def _under_both_names(text: Mapping[str, Any], aliases: Mapping[str, str]) -> dict[str, Any]:
    """Fields that a transformers class knows by its own name and a common one, under both."""
    common = {aliases[name]: text[name] for name in aliases if name in text}
    return common | {name: text[alias] for name, alias in aliases.items() if alias in text and name not in text}


@cache
def _data() -> Any:
    """{"models": type -> {"fields", "aliases"}, "text": outer type -> type of its text model, "wrappers": [type]}."""
    return json.loads(DATA.read_text(encoding="utf-8"))
