"""The row type of the layout tables, and kinds of blocks shared by many families."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from advisor.fit.architectures import block_pattern
from advisor.fit.architectures.block_pattern import Schedule

Kinds = Mapping[str, tuple[str, ...]]

PRE_NORMS = ("attn_norm", "ffn_norm")
POST_NORMS = ("post_attention_norm", "post_ffw_norm")
DENSE: Kinds = {"dense": ("gated",)}
MOE: Kinds = {**DENSE, "moe": ("router", "experts")}
MOE_SHARED: Kinds = {**DENSE, "moe": ("router", "experts", "shared")}
MOE_BIASED: Kinds = {**DENSE, "moe": ("router", "selection_bias", "experts")}
MOE_BIASED_SHARED: Kinds = {**DENSE, "moe": ("router", "selection_bias", "experts", "shared")}
ATTENTION: Kinds = {"attention": ("attention",)}
NORMED: Kinds = {"attention": ("attention", "head_norms")}


@dataclass(frozen=True, slots=True)
class Family:
    """`always`: pieces of every block; `mixers` and `ffns`: pieces by the kinds that `schedule` assigns.

    `optional` maps a piece to the configuration field that enables it. `metadata` names groups of
    `metadata_from_config.GROUPS`.
    """

    gguf: str
    always: tuple[str, ...] = PRE_NORMS
    mixers: Kinds = field(default_factory=lambda: ATTENTION)
    ffns: Kinds = field(default_factory=lambda: DENSE)
    schedule: Schedule = block_pattern.decoder
    top: tuple[str, ...] = ("embedding", "final_norm")
    optional: Mapping[str, str] = field(default_factory=dict)
    metadata: tuple[str, ...] = ()
    causal: bool = True
