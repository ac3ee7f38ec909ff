"""The protocol between ranking and an engine, implemented by `planner.py` in the engine's folder.

A planner is a module. It screens all of its builds at once with array arithmetic, places one build exactly, and
predicts its speed. Its settings type is private to its folder and its adapter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from advisor.fit.spec import BuildSpec, Catalog, HostSpec, Memory, ModelSpec, Speed, Workload

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Kinds of placement, best first; an engine may support only some of them.
KINDS = ("gpu", "gpus", "experts_on_cpu", "partial", "cpu")
NEVER = -1  # screened build that no kind of placement holds


class Setting(NamedTuple):
    """One setting that a request may state. `kind`: whole, number, truth, choice or shares (a list of numbers)."""

    name: str
    kind: str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    nullable: bool = False
    required: bool = False
    help: str | None = None


@dataclass(frozen=True, slots=True)
class BuildTable:
    """An engine's builds of one catalog as parallel arrays, sorted by model; `columns` is the engine's own data."""

    model: Ints  # index into Catalog.models
    build: Ints  # index into that model's builds
    bits: Floats  # per weight
    columns: Any


@dataclass(frozen=True, slots=True)
class Screened:
    """Estimates per build of a table on one host, for one workload; they select the builds to place exactly."""

    kind: Ints  # best kind of placement, index into KINDS, or NEVER
    headroom: Floats  # share of memory left free, 0..1
    more: Floats  # further tokens of context that the free memory would hold
    cache_loss: Floats  # points of quality lost to a quantized cache
    decode: Floats  # tokens per second of one stream
    first_token: Floats  # seconds
    sure: Bools  # fits whatever the error of the estimate

    @classmethod
    def joined(cls, parts: Sequence[Screened], order: Ints) -> Screened:
        """The rows of several engines concatenated, then permuted by `order`."""
        fields = cls.__dataclass_fields__
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts])[order] for name in fields})

    @classmethod
    def nothing(cls) -> Screened:
        """The result for an empty table."""
        kinds = {"kind": np.int64, "sure": np.bool_}
        return cls(**{name: np.zeros(0, kinds.get(name, np.float64)) for name in cls.__dataclass_fields__})


class Placed(NamedTuple):
    """Settings with the memory they need. `devices` are indices into `HostSpec.devices`, in the engine's order."""

    placement: str  # one of KINDS
    settings: Any  # the engine's own type
    memory: Memory
    devices: tuple[int, ...]
    margins: tuple[int, ...]  # available minus total, per device used
    host_margin: int | None  # None: the host's memory is not known

    @property
    def fits(self) -> bool:
        return min(self.margins, default=0) >= 0 and (self.host_margin is None or self.host_margin >= 0)


class Outline(NamedTuple):
    """The engine-independent view of a plan's settings."""

    slots: int  # concurrent requests
    context: int  # tokens of all slots together
    kv_type: str  # type of the cached values
    on_host: int  # blocks in host memory, entirely or with their experts only
    on_devices: int  # layers on devices, counted as the engine counts them
    embeds: bool


class Shortage(NamedTuple):
    """Bytes needed and available at the binding constraint, and its reason code."""

    needed: int
    available: int
    reason: str


class SettingsStep(NamedTuple):
    """One change of stated settings that needs less memory."""

    change: str
    before: Any
    after: Any
    build: BuildSpec
    settings: Any


class BadSetting(ValueError):
    """Settings that cannot run. `field` names the offending setting; the message is one sentence."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Planner(Protocol):
    NAME: str
    FORMATS: tuple[str, ...]  # build formats that the engine reads
    COMPUTED_FOR: str  # engine version whose memory rules are modelled
    CLOSE: Mapping[str, float]  # by kind of placement: upper bound of exact score / screened score
    SETTINGS: tuple[Setting, ...]

    def tabulate(self, catalog: Catalog) -> BuildTable:
        """All builds of the catalog in FORMATS with a known layout; called once per catalog."""

    def screen(self, table: BuildTable, host: HostSpec, workload: Workload) -> Screened: ...

    def screen_kinds(self, table: BuildTable, rows: Ints, questions: Sequence[tuple[HostSpec, Workload]]) -> Ints:
        """Placement kind of each of `rows` under each of several questions: array of (questions, rows)."""

    def place(
        self, build: BuildSpec, host: HostSpec, workload: Workload, *, embedding: bool, kinds: tuple[str, ...] = KINDS
    ) -> Placed | None:
        """The best placement of `kinds` that fits, or None."""

    def placements(self, build: BuildSpec, host: HostSpec, workload: Workload, *, embedding: bool) -> Iterator[Placed]:
        """Yields one placement per kind that fits, best first."""

    def stated(self, build: BuildSpec, host: HostSpec, settings: Any) -> Placed:
        """Placement with exactly these settings, whether or not they fit. Raises BadSetting."""

    def speed(self, build: BuildSpec, host: HostSpec, placed: Placed, prompt_tokens: int) -> Speed: ...

    def more_context(self, build: BuildSpec, settings: Any, room: int) -> float:
        """Tokens per request that `room` bytes would add to the context; infinite when context costs no memory."""

    def shortage(self, build: BuildSpec, host: HostSpec, workload: Workload, *, embedding: bool) -> Shortage: ...

    def whole(self, build: BuildSpec, workload: Workload, *, embedding: bool) -> tuple[int, Workload]:
        """Bytes of the whole build on one device, and the workload to use when searching for such a device."""

    def smaller_steps(self, build: BuildSpec, settings: Any, contexts: Sequence[int]) -> Iterator[SettingsStep]:
        """Single changes of settings that need less memory, gentlest first; `contexts` per request to try."""

    def read_settings(self, given: Mapping[str, Any], build: BuildSpec, host: HostSpec) -> Any:
        """Engine settings from values validated against `SETTINGS`, with defaults for missing ones. Raises
        BadSetting.
        """

    def as_planned(self, settings: Any, memory: Memory) -> Any:
        """Settings with the plan's resolved values filled in, so that a launch leaves nothing to the engine."""

    def settings_document(self, settings: Any, memory: Memory) -> dict[str, Any]:
        """Settings in the form that answers show and requests accept."""

    def kept_settings(self, settings: Any) -> dict[str, Any]:
        """All settings as JSON, the inverse of `settings_kept`."""

    def settings_kept(self, kept: Mapping[str, Any]) -> Any: ...

    def outline(self, build: BuildSpec, settings: Any) -> Outline: ...


__all__ = [
    "KINDS",
    "NEVER",
    "BadSetting",
    "BuildTable",
    "ModelSpec",
    "Outline",
    "Placed",
    "Planner",
    "Screened",
    "Setting",
    "SettingsStep",
    "Shortage",
]
