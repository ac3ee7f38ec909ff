"""Kind of each block of a model: attention or recurrence, dense or experts, full or sliding window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from advisor.fit.architectures.dimensions import Symbols, UnknownLayout


@dataclass(frozen=True, slots=True)
class BlockKind:
    """One block: a family's mixer and feed-forward kinds by name, and configuration values that differ here."""

    mixer: str
    ffn: str
    windowed: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


LETTERS = {"M": "recurrent", "*": "attention", "-": "dense", "E": "moe"}  # of Nemotron-H

# Values that windowed blocks may override, stated with the prefix `swa_`.
WINDOW_OWN = ("n_heads", "n_kv_heads", "kv_lora_rank", "qk_nope_head_dim", "v_head_dim")

Schedule = Callable[[dict[str, Any]], list[BlockKind]]


def interleave(counts: dict[str, int]) -> list[str]:
    """Kinds in the given numbers, each spread evenly: the kind furthest behind its share comes next.

    Configurations that give only counts leave the order open. Totals do not depend on it; the split over several
    devices does, by at most one block per kind.
    """
    total = sum(counts.values())
    placed = dict.fromkeys(counts, 0)
    order: list[str] = []
    for position in range(1, total + 1):
        kind = max(counts, key=lambda name: counts[name] * (2 * position - 1) - 2 * total * placed[name])
        placed[kind] += 1
        order.append(kind)
    return order


def feed_forward(facts: dict[str, Any]) -> list[str]:
    """Dense blocks first, then experts after `first_dense` blocks, in every `moe_step`-th block."""
    layers, first = Symbols(facts)["layers"], facts.get("first_dense") or 0
    if not facts.get("n_experts"):
        return ["dense"] * layers
    step = facts.get("moe_step") or 1
    return ["moe" if i >= first and (i + 1) % step == 0 else "dense" for i in range(layers)]


def windows(facts: dict[str, Any], *, full_first: bool = False) -> list[bool]:
    """True for blocks with a sliding window: all but one of every `full_attn_every`, or all but `n_full` of them.

    The full block is the last of its group, or the first. `windowed_layers` states it for every block.
    """
    layers = Symbols(facts)["layers"]
    if facts.get("windowed_layers") and facts.get("sliding_window"):
        if len(facts["windowed_layers"]) != layers:
            raise UnknownLayout("The configuration's windowed_layers must say it of every block.")
        return list(facts["windowed_layers"])
    if not facts.get("sliding_window"):
        return [False] * layers
    every, full = facts.get("full_attn_every"), facts.get("n_full")
    if not every and full and layers % full:
        return [kind == "window" for kind in interleave({"full": full, "window": layers - full})]
    every = every or (layers // full if full else Symbols(facts).need("full_attn_every"))
    return [i % every != (0 if full_first else every - 1) for i in range(layers)]


def decoder(facts: dict[str, Any]) -> list[BlockKind]:
    """Attention with full context in every block."""
    return [BlockKind("attention", ffn) for ffn in feed_forward(facts)]


def windowed(facts: dict[str, Any], *, full_first: bool = False) -> list[BlockKind]:
    """Attention in every block; windowed blocks may have head counts of their own."""
    own = {name: facts[f"swa_{name}"] for name in WINDOW_OWN if facts.get(f"swa_{name}")}
    pairs = zip(feed_forward(facts), windows(facts, full_first=full_first), strict=True)
    return [BlockKind("attention", ffn, window, own if window else {}) for ffn, window in pairs]


def windowed_after_full(facts: dict[str, Any]) -> list[BlockKind]:
    return windowed(facts, full_first=True)


def with_indexer(facts: dict[str, Any]) -> list[BlockKind]:
    """Sparse attention: blocks in `layers` have their own indexer, the others reuse an earlier one's selection.

    Windowed blocks need none.
    """
    at = (facts.get("dsa_indexer") or {}).get("layers")
    return [
        replace(block, mixer="unindexed") if block.windowed or (at is not None and i not in at) else block
        for i, block in enumerate(windowed(facts))
    ]


def modern_bert(facts: dict[str, Any]) -> list[BlockKind]:
    """ModernBERT: a full block, then windowed ones, by default with every third full; block 0 has no attention norm."""
    blocks = windowed_after_full({**facts, "full_attn_every": facts.get("full_attn_every") or 3})
    return [BlockKind("first", "dense"), *blocks[1:]]


def periodic(facts: dict[str, Any]) -> list[BlockKind]:
    """Attention in every `full_attn_every`-th block, recurrence in the others."""
    every = Symbols(facts).need("full_attn_every")
    kinds = ["recurrent" if (i + 1) % every else "attention" for i in range(Symbols(facts)["layers"])]
    return [BlockKind(mixer, ffn) for mixer, ffn in zip(kinds, feed_forward(facts), strict=True)]


def periodic_and_last(facts: dict[str, Any]) -> list[BlockKind]:
    """Kimi Linear: as `periodic`, with attention in the last block too."""
    blocks = periodic(facts)
    return [*blocks[:-1], BlockKind("attention", blocks[-1].ffn)]


def spread_attention(facts: dict[str, Any]) -> list[BlockKind]:
    """`n_attn_layers` attention blocks, at `attention_layers` if given, else spread evenly; the rest are recurrent."""
    layers, attending = Symbols(facts)["layers"], Symbols(facts).need("n_attn_layers")
    at = facts.get("attention_layers")
    if at is None:
        kinds = interleave({"recurrent": layers - attending, "attention": attending})
    else:
        kinds = ["attention" if i in at else "recurrent" for i in range(layers)]
    return [BlockKind(mixer, ffn) for mixer, ffn in zip(kinds, feed_forward(facts), strict=True)]


def single(facts: dict[str, Any]) -> list[BlockKind]:
    """Nemotron-H: a block is either attention, Mamba, a dense feed-forward or experts.

    `layer_kinds` lists them in published order, one letter each; with counts alone they are interleaved.
    """
    fields = {
        "recurrent": "n_mamba_layers",
        "attention": "n_attn_layers",
        "dense": "n_mlp_layers",
        "moe": "n_moe_layers",
    }
    counts = {kind: int(facts.get(field) or 0) for kind, field in fields.items()}
    spelt = [LETTERS[letter] for letter in facts.get("layer_kinds") or ""]
    kinds = spelt or interleave({kind: n for kind, n in counts.items() if n})
    return [
        BlockKind(kind, "none") if kind in ("recurrent", "attention") else BlockKind("none", kind) for kind in kinds
    ]


def recurrent(facts: dict[str, Any]) -> list[BlockKind]:
    return [BlockKind("recurrent", "none")] * Symbols(facts)["layers"]


def gemma4(facts: dict[str, Any]) -> list[BlockKind]:
    """Gemma 4: full blocks have larger heads and may reuse keys as values; the last blocks may be twice as wide."""
    symbols = Symbols(facts)
    full = {"head_dim": symbols.need("global_head_dim"), "n_kv_heads": facts.get("n_global_kv_heads")}
    full = {name: value for name, value in full.items() if value}
    wide_from = symbols["layers"] - (facts.get("double_wide_layers") or 0)
    blocks = []
    for i, (ffn, window) in enumerate(zip(feed_forward(facts), windows(facts), strict=True)):
        own = {} if window else dict(full)
        if i >= wide_from:
            own["ffn"] = 2 * symbols["ff"]
        shares_keys = bool(facts.get("k_eq_v")) and not window
        blocks.append(BlockKind("attention_without_v" if shares_keys else "attention", ffn, window, own))
    return blocks
