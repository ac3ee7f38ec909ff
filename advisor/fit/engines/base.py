"""What the ranking asks of an engine: the protocol that `planner.py` in the engine's folder fulfils.

A planner is a module. It screens all its builds at once by array arithmetic, places one exactly, and says how fast that
would be. Its settings are its own: nothing outside its folder and its adapter's reads them.
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

# Kinds of placement, best first; an engine may know some of them only.
KINDS = ("gpu", "gpus", "experts_on_cpu", "partial", "cpu")
NEVER = -1  # of a screened build: no kind of placement holds it


class Setting(NamedTuple):
    """One setting as a request may state it. `kind`: whole, number, truth, choice or shares (a list of numbers)."""

    name: str
    kind: str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    nullable: bool = False
    required: bool = False
    help: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """An engine's builds of one catalog as parallel arrays, by model; `columns` are the engine's own."""

    model: Ints  # place in Catalog.models
    build: Ints  # place among that model's builds
    bits: Floats  # per weight
    columns: Any


@dataclass(frozen=True, slots=True)
class Screened:
    """What one host makes of each build of a table, for one workload. Estimates: they choose what is placed exactly."""

    kind: Ints  # best kind of placement, place in KINDS, or NEVER
    headroom: Floats  # share of the room left over, 0..1
    more: Floats  # further tokens of context that the room left over would hold
    cache_loss: Floats  # points of quality lost to a narrower cache
    decode: Floats  # tokens per second of one stream
    first_token: Floats  # seconds
    sure: Bools  # fits without doubt, however the exact sums come out

    @classmethod
    def joined(cls, parts: Sequence[Screened], order: Ints) -> Screened:
        """Several engines' builds one after the other, then put in `order`."""
        fields = cls.__dataclass_fields__
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts])[order] for name in fields})

    @classmethod
    def nothing(cls) -> Screened:
        """Of no builds at all."""
        kinds = {"kind": np.int64, "sure": np.bool_}
        return cls(**{name: np.zeros(0, kinds.get(name, np.float64)) for name in cls.__dataclass_fields__})


class Placed(NamedTuple):
    """Settings with the memory they take. `devices` are places in `HostSpec.devices`, in the engine's order."""

    placement: str  # one of KINDS
    settings: Any  # the engine's own
    memory: Memory
    devices: tuple[int, ...]
    margins: tuple[int, ...]  # available minus total, per device used
    host_margin: int | None  # None: the host's memory is not known

    @property
    def fits(self) -> bool:
        return min(self.margins, default=0) >= 0 and (self.host_margin is None or self.host_margin >= 0)


class Outline(NamedTuple):
    """What can be said of a plan's settings whatever the engine."""

    slots: int  # requests at once
    context: int  # tokens of all of them
    kv_type: str  # of the cache's values
    on_host: int  # blocks in main memory, or with their experts there
    on_devices: int  # layers on devices, counted as the engine does
    embeds: bool


class Shortage(NamedTuple):
    """Bytes needed and available at the constraint that binds, and its reason code."""

    needed: int
    available: int
    reason: str


class Step(NamedTuple):
    """One change of stated settings that takes less memory."""

    change: str
    before: Any
    after: Any
    build: BuildSpec
    settings: Any


class BadSetting(ValueError):
    """Settings that cannot be run. `field` names the one that is wrong; the message is one sentence."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Planner(Protocol):
    NAME: str
    FORMATS: tuple[str, ...]  # of builds
    COMPUTED_FOR: str  # the build whose memory the sums are of
    CLOSE: Mapping[str, float]  # by how much an exact score may be above the screened one, by kind of placement
    SETTINGS: tuple[Setting, ...]

    def tabulate(self, catalog: Catalog) -> Table:
        """All builds of the catalog that the engine serves and whose layout is known; worked out once per catalog."""

    def screen(self, table: Table, host: HostSpec, workload: Workload) -> Screened: ...

    def screen_kinds(self, table: Table, rows: Ints, questions: Sequence[tuple[HostSpec, Workload]]) -> Ints:
        """Kinds of placement of some rows for each of several questions: an array of (questions, rows)."""

    def place(
        self, build: BuildSpec, host: HostSpec, workload: Workload, *, embedding: bool, kinds: tuple[str, ...] = KINDS
    ) -> Placed | None:
        """The best placement of `kinds` that fits."""

    def placements(self, build: BuildSpec, host: HostSpec, workload: Workload, *, embedding: bool) -> Iterator[Placed]:
        """Every kind of placement that fits, best first."""

    def stated(self, build: BuildSpec, host: HostSpec, settings: Any) -> Placed:
        """Exactly these settings, whether or not they fit. Raises BadSetting."""

    def speed(self, build: BuildSpec, host: HostSpec, placed: Placed, prompt_tokens: int) -> Speed: ...

    def more_context(self, build: BuildSpec, settings: Any, room: int) -> float:
        """Tokens per request by which memory would let the context grow; infinite where it takes no more."""

    def shortage(self, build: BuildSpec, host: HostSpec, workload: Workload, *, embedding: bool) -> Shortage: ...

    def whole(self, build: BuildSpec, workload: Workload, *, embedding: bool) -> tuple[int, Workload]:
        """Bytes of the whole build on one device, and the workload to place where such a device is looked for."""

    def smaller_steps(self, build: BuildSpec, settings: Any, contexts: Sequence[int]) -> Iterator[Step]:
        """Single changes of settings that take less memory, gentlest first; `contexts` of one request to try."""

    def read_settings(self, given: Mapping[str, Any], build: BuildSpec, host: HostSpec) -> Any:
        """The engine's settings of checked ones (`SETTINGS`); what is left out gets its default. Raises BadSetting."""

    def as_planned(self, settings: Any, memory: Memory) -> Any:
        """Settings with what the plan found out filled in, so that a launch leaves nothing to the engine."""

    def settings_document(self, settings: Any, memory: Memory) -> dict[str, Any]:
        """Settings as an answer gives them and a request takes them back."""

    def kept_settings(self, settings: Any) -> dict[str, Any]:
        """Settings as JSON that `settings_kept` reads back, all of them."""

    def settings_kept(self, kept: Mapping[str, Any]) -> Any: ...

    def outline(self, build: BuildSpec, settings: Any) -> Outline: ...


__all__ = [
    "KINDS",
    "NEVER",
    "BadSetting",
    "ModelSpec",
    "Outline",
    "Placed",
    "Planner",
    "Screened",
    "Setting",
    "Shortage",
    "Step",
    "Table",
]
