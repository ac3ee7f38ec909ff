"""One model on one to eight identical cards under vLLM: cache budget and capacity."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.fit.engines.vllm.capacity import Capacity, capacity
from advisor.fit.engines.vllm.config import ConfigReading, NotServed
from advisor.fit.engines.vllm.device import Card
from advisor.fit.engines.vllm.loaded_weights import weight_bytes
from advisor.fit.engines.vllm.overhead import ByteRange, budget
from advisor.fit.engines.vllm.serve_options import Serve
from advisor.fit.engines.vllm.tuning import Knob, knobs

SIZES = (1, 2, 4, 8)  # common tensor parallel sizes, which kernels are made for


@dataclass(frozen=True, slots=True)
class Served:
    """Per card. `least` and `most` belong to the ends of `budget`; only a real start narrows that range."""

    serve: Serve
    weights: int
    budget: ByteRange
    least: Capacity
    most: Capacity
    pays: tuple[Knob, ...]

    @property
    def starts(self) -> bool | None:
        """None: depends on what vLLM's profiling run measures."""
        return self.least.starts if self.least.starts == self.most.starts else None


def served(reading: ConfigReading, card: Card, tp: int, context: int) -> Served | str:
    """Capacity with vLLM's defaults for the card, or the sentence with which it refuses. Raises UnknownConfig."""
    serve = Serve(tp=tp, max_model_len=context)
    try:
        room = budget(reading, serve, card)
        least, most = (capacity(reading, serve, card, end) for end in (room.low, room.high))
        pays = knobs(reading, serve, card, room.low) if room.low else []
        return Served(serve, weight_bytes(reading, tp), room, least, most, tuple(pays))
    except NotServed as error:
        return str(error)
