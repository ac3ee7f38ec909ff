"""One model on one to eight equal cards under vLLM: what is left for the cache there, and what that holds."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.fit.engines.vllm.capacity import Capacity, capacity
from advisor.fit.engines.vllm.config import NotServed, Reading
from advisor.fit.engines.vllm.device import Card
from advisor.fit.engines.vllm.loaded_weights import weight_bytes
from advisor.fit.engines.vllm.overhead import ByteRange, budget
from advisor.fit.engines.vllm.serve_options import Serve
from advisor.fit.engines.vllm.tuning import Knob, knobs

SIZES = (1, 2, 4, 8)  # tensor parallelism that people use and kernels are made for


@dataclass(frozen=True, slots=True)
class Served:
    """By card. `least` and `most` go with the ends of `budget`, whose width is what only a start can measure."""

    serve: Serve
    weights: int
    budget: ByteRange
    least: Capacity
    most: Capacity
    pays: tuple[Knob, ...]

    @property
    def starts(self) -> bool | None:
        """None: it depends on what vLLM's own trial run takes."""
        return self.least.starts if self.least.starts == self.most.starts else None


def served(reading: Reading, card: Card, tp: int, context: int) -> Served | str:
    """With vLLM's defaults for the card, or the sentence with which it refuses. Raises UnknownLayout."""
    serve = Serve(tp=tp, max_model_len=context)
    try:
        room = budget(reading, serve, card)
        least, most = (capacity(reading, serve, card, end) for end in (room.low, room.high))
        pays = knobs(reading, serve, card, room.low) if room.low else []
        return Served(serve, weight_bytes(reading, tp), room, least, most, tuple(pays))
    except NotServed as error:
        return str(error)
