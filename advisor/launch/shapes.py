"""A launch as the API tells it, and the prediction and the measurement that are stored with it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from advisor.engines.dry_run import BesidePrediction
from advisor.models import Launch as Row

STATUSES = Row.Status.values


class Range(TypedDict):
    low: float
    mid: float
    high: float


class MemoryParts(TypedDict):
    """Bytes of one device or of the host, with their sum."""

    weights: int
    kv: int
    compute: int
    overhead: int
    total: int


class EngineConfirmation(BesidePrediction):
    """The engine's own plan beside the prediction, and a sentence where they differ."""

    message: str | None


class Prediction(TypedDict):
    total_bytes: int
    devices: Annotated[dict[str, MemoryParts], {"description": "by UUID of the accelerator"}]
    host: MemoryParts
    decode_tokens_per_second: Range
    program: NotRequired[str | None]  # this and the next were not always written down
    computed_for: NotRequired[Annotated[str, {"description": "engine and build whose sums these are"}]]
    engine: NotRequired[EngineConfirmation]  # of an engine that could be asked


class MeasuredHost(TypedDict):
    total: int | None
    buffers: Annotated[dict[str, int] | None, {"description": "by part, as the engine's log has them"}]


class Measurement(TypedDict):
    """What the engine's processes really hold, and how fast they are; null is what was not measured."""

    total_bytes: int | None
    devices: Annotated[dict[str, dict[str, int]], {"description": "total, and parts where known, by UUID"}]
    host: MeasuredHost
    decode_tokens_per_second: float | None
    prefill_tokens_per_second: float | None
    source: Literal["nvml", "engine log", "rss"]
    at: Annotated[str, {"format": "date-time"}]


class Progress(TypedDict):
    """The step that is being done."""

    step: str
    done_bytes: int | None
    total_bytes: int | None
    bytes_per_second: NotRequired[int | None]
    seconds_left: NotRequired[float | None]
    file: NotRequired[str | None]


class Restart(TypedDict):
    """Whether an engine that ends or hangs after it served is started again, and how often that was done in a row."""

    policy: Annotated[str, {"enum": Row.Restart.values}]
    done: int
    most: int


class _Reservation(TypedDict):
    accelerator: str
    bytes: int


_Event = TypedDict("_Event", {"at": Annotated[str, {"format": "date-time"}], "from": str, "to": str, "note": str})


class Launch(TypedDict):
    """Bytes as integers, times in UTC, null for what is not known."""

    id: Annotated[str, {"format": "uuid"}]
    status: Annotated[str, {"enum": STATUSES}]
    reason: NotRequired[str | None]
    message: NotRequired[str]
    host: str
    model: str
    build: str
    engine: str
    alias: NotRequired[str]
    endpoint: NotRequired[str | None]
    api_key: NotRequired[str | None]
    settings: dict[str, Any]  # its engine's own
    restart: NotRequired[Restart]
    command: NotRequired[list[str]]
    progress: NotRequired[Progress | None]
    predicted: Prediction
    measured: Measurement | None
    reservations: NotRequired[list[_Reservation]]
    events: NotRequired[list[_Event]]
    created: Annotated[str, {"format": "date-time"}]
    updated: NotRequired[Annotated[str, {"format": "date-time"}]]


class LaunchPage(TypedDict):
    next: str | None
    previous: str | None
    results: list[Launch]
