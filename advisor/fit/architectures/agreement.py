"""Does a listed layout agree with what is published of the model? A list that does not add up is no list."""

from __future__ import annotations

from typing import Any

from advisor.fit.architectures import UnknownLayout, parameters, prediction_parameters

ROOM_ABOVE = 0.005  # padded vocabularies, values that are counted differently
MISSING = 0.03  # of the total, beyond what the configuration says of prediction blocks and towers
MISSING_WITH_TOWER = 0.25  # models that see or hear: encoders of unstated size


def settled(architecture: dict[str, Any], total: int | None) -> dict[str, Any]:
    """The configuration with `tie` filled in where it was silent: the largest model that the published total allows.

    Raises `UnknownLayout` when neither reading of it stays within the total.
    """
    if architecture.get("tie") is not None or architecture.get("arch") is None or not total:
        return architecture
    for tie in (False, True):
        candidate = {**architecture, "tie": tie}
        if parameters(candidate)[0] <= total * (1 + ROOM_ABOVE):
            return candidate
    raise UnknownLayout("Its tensors add up to more parameters than are published.")


def verify(architecture: dict[str, Any], total: int | None, *, tower: bool, explained: bool) -> None:
    """Raises `UnknownLayout` when the layout's sum and the published total of all tensors contradict each other.

    `tower`: the model takes more than text, so encoders may lie beside it. `explained`: the catalog says why the
    published total is higher.
    """
    if not total:
        return
    text = parameters(architecture)[0]
    if text > total * (1 + ROOM_ABOVE) and not explained:
        raise UnknownLayout(f"Its tensors add up to {text:,} parameters, but {total:,} are published.")
    beside = prediction_parameters(architecture) + int(architecture.get("vision_params") or 0)
    missing = 1 - (text + beside) / total
    if missing > (MISSING_WITH_TOWER if tower else MISSING) and not explained:
        raise UnknownLayout(f"Its tensors add up to {text:,} parameters only, but {total:,} are published.")
