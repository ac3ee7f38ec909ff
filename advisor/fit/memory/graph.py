"""What the compute buffer of an architecture needs to know, taken from its tensor table once."""

from __future__ import annotations

from typing import Any

from advisor.fit.memory.metadata import Metadata
from advisor.fit.spec import Tensor


def facts(meta: Metadata, blocks: dict[int, list[Tensor]], n_vocab: int) -> dict[str, Any]:
    """Floats per token that live at the peak of the graph, by stage."""
    names = {t.name.split(".")[2] for tensors in blocks.values() for t in tensors if t.name.count(".") >= 2}
    d, ffn = meta.hidden, meta.number("feed_forward_length")
    used, expert = meta.number("expert_used_count"), meta.number("expert_feed_forward_length") or ffn
    gated = "ffn_gate" in names or "ffn_gate_exps" in names or "ffn_gate_inp" in names or meta.arch == "phi3"
    stages = [4 * d]
    if "ffn_up" in names or "ffn_gate" in names:
        stages.append(3 * ffn + 4 * d if gated else 2 * ffn)
    if "ffn_up_exps" in names or "ffn_gate_up_exps" in names:
        stages += [3 * used * expert + 4 * d, 2 * used * d + 5 * d]
    return {"version": 1, "peak": max(stages), "logits": n_vocab + 4 * d}
