"""Input and output types of the fit: plain frozen dataclasses without Django, bytes as integers.

Everything that enters or leaves `advisor.fit` is one of these. `None` means "not known", never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from advisor.fit.build import BuildSizes

FIT_VERSION = "4"  # raised with every change of the fit that can change an answer
PREFERENCES = ("quality", "balanced", "speed")
REASONS = (
    "gpu_memory",
    "host_memory",
    "speed",
    "first_token",
    "licence",
    "context",
    "modality",
    "language",
    "engine",
    "tool_use",
    "reasoning",
    "embedding",
    "no_evidence",
    "unknown_layout",
    "superseded",
)


class DeviceMemory(NamedTuple):  # one question makes thousands: a tuple is created in a quarter of the time
    weights: int
    kv: int  # KV cache and recurrent state
    compute: int
    overhead: int = 0  # outside the engine's buffers: context, kernels, pools (planning figure)

    @property
    def total(self) -> int:
        return self.weights + self.kv + self.compute + self.overhead


class Memory(NamedTuple):
    """Memory of one run: one entry per device in order, and the host."""

    devices: tuple[DeviceMemory, ...]
    host: DeviceMemory
    flash_attention: bool = True

    @property
    def total(self) -> int:
        return sum(d.total for d in self.devices) + self.host.total


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU, MIG slice or unified-memory device. Bytes, bytes per second, FLOPS (dense fp16 with fp32 accumulate)."""

    name: str
    memory_bytes: int
    available_bytes: int
    memory_bandwidth: int | None = None
    flops_fp16: int | None = None
    uuid: str | None = None
    vendor: str = "nvidia"
    compute_capability: str | None = None
    unified: bool = False  # shares the host's memory: device and host bytes come out of one pool
    source: str = "reference"  # reference | stated | detected


@dataclass(frozen=True, slots=True)
class HostSpec:
    devices: tuple[Device, ...]
    ram_bytes: int | None  # None: not stated; then only plans that stay on the devices are made
    ram_available_bytes: int | None
    cpu_cores: int | None = None
    ram_bandwidth: int | None = None  # bytes per second; None: a stated default is used, and the answer says so
    os: str = "linux"


@dataclass(frozen=True, slots=True)
class Workload:
    use_case: str = "general"
    context: int = 8192  # tokens per request
    concurrency: int = 1
    min_decode_tokens_per_second: float | None = None
    max_first_token_seconds: float | None = None
    licence: str | tuple[str, ...] = "any"  # "any", "commercial" or licence ids
    input_modalities: tuple[str, ...] = ("text",)
    languages: tuple[str, ...] = ()
    tool_use: bool | None = None
    reasoning: bool | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One sourced score, in the benchmark's own unit: only equal (benchmark, version, metric) compare."""

    benchmark: str
    version: str
    metric: str
    value: float
    use_case: str
    date: str | None
    source: str
    third_party: bool


@dataclass(frozen=True, slots=True)
class Strength:
    """Quality of a model for one use case: 0..100 with an interval; basis evidence | inferred | none."""

    score: float
    low: float
    high: float
    basis: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class BuildSpec:
    id: str  # stable: "<model slug>:<quantization>[:<repo>]"
    format: str  # gguf | safetensors
    quantization: str
    repo: str | None
    files: tuple[dict[str, Any], ...]  # {"path", "bytes", "sha256"}
    bytes: int
    basis: str  # exact | computed
    sizes: BuildSizes | None  # None: layout unknown, so the build is never planned


@dataclass(frozen=True, slots=True)
class ModelSpec:
    slug: str
    name: str
    hub_id: str
    family: str
    licence: str | None
    commercial: str | None  # yes | no | conditions | None
    released: str | None
    parameters_total: int | None
    parameters_active: int | None
    context_length: int | None
    input_modalities: tuple[str, ...]
    languages: tuple[str, ...]
    tool_use: bool | None
    reasoning: bool | None
    task: str  # generate | embedding | rerank
    superseded_by: str | None
    builds: tuple[BuildSpec, ...]
    strengths: dict[str, Strength]  # by use case
    licence_name: str | None = None
    licence_conditions: str = ""  # one sentence, or empty
    native: str = ""  # type of the published weights; of the experts where those have their own


@dataclass(frozen=True, slots=True)
class Catalog:
    version: str
    models: tuple[ModelSpec, ...]


@dataclass(frozen=True, slots=True)
class Range:
    low: float
    mid: float
    high: float


@dataclass(frozen=True, slots=True)
class Speed:
    decode: Range  # tokens per second of one stream at the requested depth
    prefill: Range
    first_token: Range  # seconds for a prompt that fills the requested context
    at_context: int
    basis: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to run a build on given hardware."""

    model: ModelSpec
    build: BuildSpec
    engine: str
    settings: Any  # the engine's own settings type
    memory: Memory
    margins: tuple[int, ...]  # available minus total, per device
    host_margin: int | None
    speed: Speed
    placement: str  # cpu | gpu | gpus | partial | experts_on_cpu
    devices: tuple[int, ...] = ()  # indices into HostSpec.devices, in the engine's order


class Room(NamedTuple):
    """How a build would run after a change: placement, number of devices, and the bytes to spare."""

    placement: str
    devices: int
    on_host: int  # blocks in host memory, entirely or with their experts only
    on_devices: int  # layers on devices
    kv_type: str
    spare: int


class Pace(NamedTuple):
    """Speed after a change: decode tokens per second, and seconds to the first token."""

    decode: float
    first_token: float


@dataclass(frozen=True, slots=True)
class Fix:
    change: str
    from_: Any
    to: Any
    gives: Room | Pace | str  # a string is the reason code of the requirement that is then met


@dataclass(frozen=True, slots=True)
class Rejection:
    model: str | None  # None: a launch by an earlier decision, whose model was not looked up
    build: str | None
    reason: str
    needed: int | float | None
    available: int | float | None
    fixes: tuple[Fix, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    rank: int
    score: float
    parts: dict[str, float]
    plan: Plan
    strength: Strength
    quantization_loss: float
    pareto: bool
    others: tuple[Plan, ...] = ()
