"""Checks a computed layout against the published parameter count; a layout that does not add up is rejected."""

from __future__ import annotations

from typing import Any

from advisor.fit.architectures.computed_header import parameters, prediction_parameters
from advisor.fit.architectures.dimensions import UnknownLayout

ROOM_ABOVE = 0.005  # padded vocabularies, values that are counted differently
MISSING = 0.03  # of the total, beyond what the configuration states of prediction blocks and towers
MOST_DENSE = (0, 1, 2, 3)  # leading dense blocks to try
MISSING_WITH_TOWER = 0.25  # multimodal models: encoders of unstated size


def settled(architecture: dict[str, Any], total: int | None) -> dict[str, Any]:
    """The configuration with missing `tie` and `first_dense` filled in: the first candidate within the published total.

    `first_dense` is missing when a width of dense blocks is given beside experts, but not the number of dense blocks.
    Raises `UnknownLayout` when every candidate exceeds the published total.
    """
    if architecture.get("arch") is None or not total:
        return architecture
    ties = [architecture["tie"]] if architecture.get("tie") is not None else [False, True]
    mixed = architecture.get("ffn") and architecture.get("n_experts") and architecture.get("first_dense") is None
    for dense in MOST_DENSE if mixed else (architecture.get("first_dense"),):
        for tie in ties:
            candidate = {**architecture, "tie": tie, "first_dense": dense}
            text = parameters(candidate)[0]
            if text <= total * (1 + ROOM_ABOVE):
                return candidate
    raise UnknownLayout(f"Its tensors add up to {text:,} parameters, but {total:,} are published.")


def check_parameters(architecture: dict[str, Any], total: int | None, *, tower: bool, explained: bool) -> None:
    """Raises `UnknownLayout` when the published total of all tensors is more than the layout can account for.

    `tower`: the model takes more than text, so it may include encoders. `explained`: the catalog says why the published
    total is higher.
    """
    if not total or explained:
        return
    text = parameters(architecture)[0]
    beside = prediction_parameters(architecture) + int(architecture.get("vision_params") or 0)
    if 1 - (text + beside) / total > (MISSING_WITH_TOWER if tower else MISSING):
        raise UnknownLayout(f"Its tensors add up to {text:,} parameters only, but {total:,} are published.")
