"""The documents that answers are made of: what functions hand on here is what the API says of its answers.

Bytes are integers, and null is what is not known. A field that is not required is in the answers that have it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from advisor.fit.spec import REASONS
from advisor.launch.shapes import MemoryParts, Range
from hardware.shapes import SnapshotSummary


class AvailableAccelerator(TypedDict):
    name: str
    uuid: str | None
    memory_bytes: int
    available_bytes: int
    memory_bandwidth: int | None
    unified: bool
    source: str


class Hardware(TypedDict):
    """The machine that an answer is about, as it was understood."""

    accelerators: list[AvailableAccelerator]
    ram_bytes: int | None
    ram_available_bytes: int | None
    cpu_cores: int | None
    os: str
    snapshot: SnapshotSummary | None


# ---------------------------------------------------------------- a plan


class OverheadRange(TypedDict):
    low: int
    high: int
    source: str


class DeviceMemory(MemoryParts):
    name: str
    accelerator: Annotated[int, {"description": "place in hardware.accelerators"}]
    uuid: str | None
    capacity: int
    available: int
    overhead_range: OverheadRange
    margin: int


class HostMemory(MemoryParts):
    capacity: int | None
    available: int | None
    margin: int | None


class Memory(TypedDict):
    devices: list[DeviceMemory]
    host: HostMemory
    total: int
    computed_for: Annotated[str, {"description": "engine and build whose sums these are"}]
    basis: str
    error_bound_percent: NotRequired[float | None]


class Speed(TypedDict):
    decode_tokens_per_second: Range
    prefill_tokens_per_second: Range
    first_token_seconds: Range
    at_context: int
    basis: str


class BuildFile(TypedDict):
    """A published file; null is what no source states."""

    path: str
    bytes: int | None
    sha256: str | None
    revision: Annotated[str | None, {"description": "commit of the repository at which it was seen"}]
    url: str | None


class PlannedBuild(TypedDict):
    id: str
    format: str
    quantization: str
    repo: str | None
    files: list[BuildFile]
    bytes: int
    basis: str
    on_disk: bool


class Plan(TypedDict):
    """One way to run a build."""

    build: PlannedBuild
    engine: str
    placement: str
    settings: dict[str, Any]  # its engine's own
    memory: Memory
    speed: Speed
    command: list[str]


# ---------------------------------------------------------------- what it costs


class HostedPrice(TypedDict):
    """The lowest price at which somebody serves a model, in US dollars."""

    model: str
    name: str
    provider: str
    input_per_million: float | None
    output_per_million: float | None
    price_per_million: float
    dearest_price_per_million: float
    offers: int
    source: str
    taken: str


class HostedOffer(HostedPrice):
    same_model: bool
    quality: float | None


class BreakEven(TypedDict):
    tokens: float | None
    tokens_in_that_time: float
    reached: bool


class Cost(TypedDict):
    """US dollars per million tokens."""

    tokens: Literal["generated", "read"]
    power_watts: float | None
    energy_per_million: Range | None
    purchase_per_million: Range | None
    total_per_million: Range | None
    hosted: HostedOffer | None
    break_even: BreakEven | None
    notes: list[str]


# ---------------------------------------------------------------- what runs, and what does not


class RankedModel(TypedDict):
    slug: str
    name: str
    hub_id: str
    licence: str | None
    licence_name: str | None
    licence_conditions: str
    commercial: str | None
    released: str | None
    parameters_total: int | None
    parameters_active: int | None
    context_length: int | None


class QualityEvidence(TypedDict):
    benchmark: str
    version: str
    metric: str
    value: float
    date: str | None
    source: str
    third_party: bool


class Quality(TypedDict):
    """0 to 100 for the use case, of the original weights; `quantization_loss` is what the build takes from it."""

    score: float
    low: float
    high: float
    basis: str
    quantization_loss: float
    evidence: list[QualityEvidence]


class Result(Plan):
    rank: int
    score: float
    score_parts: NotRequired[dict[str, float]]
    pareto: bool
    model: RankedModel
    quality: Quality
    reasons: list[str]
    cost: NotRequired[Cost]  # where prices were asked about
    plans: NotRequired[list[Plan]]


Fix = TypedDict("Fix", {"change": str, "from": Any, "to": Any, "gives": str})


class Shortfall(TypedDict, total=False):
    """What binds where it is not memory: tokens, tokens per second, seconds."""

    needed: float | None
    available: float | None


class Rejected(Shortfall):
    model: str
    build: str | None
    reason: Annotated[str, {"enum": list(REASONS)}]
    needed_bytes: NotRequired[int | None]
    available_bytes: NotRequired[int | None]
    fixes: list[Fix]


class DecisionHead(TypedDict):
    """What is known of a decision before anything is ranked."""

    decision: Annotated[str, {"pattern": "^[0-9a-f]{64}$"}]
    catalog_version: str
    fit_version: str
    hardware: Hardware
    warnings: list[str]


class Decision(DecisionHead):
    results: list[Result]
    rejected: list[Rejected]


class Estimate(Plan):
    catalog_version: str
    fit_version: str
    hardware: NotRequired[Hardware]
    fits: bool


# ---------------------------------------------------------------- what a model needs


class RequiredAccelerator(TypedDict):
    name: str
    count: int
    memory_bytes: int
    total_bytes: int
    memory_bandwidth: int
    unified: bool
    vendor: str


class _Needed(Plan):
    accelerator: RequiredAccelerator
    reasons: list[str]


class Requirements(TypedDict):
    catalog_version: str
    fit_version: str
    model: str
    results: list[_Needed]
    rejected: list[Rejected]
