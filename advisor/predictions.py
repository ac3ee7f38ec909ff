"""A file -> what the engine allocates for it: the reader, the sums and what both refuse, for commands and launches."""

from __future__ import annotations

import re
from functools import lru_cache

from advisor.fit.memory.llama_cpp import estimate
from advisor.fit.memory.requests import Request
from advisor.fit.memory.sizes import summarise
from advisor.fit.spec import BuildSizes, Header, Memory, Tensor
from catalog.gguf import read_header

MOST = 1 << 60  # bytes: no machine has that, and JSON readers lose whole numbers soon after


def predict(path: str, wanted: Request) -> Memory:
    """Memory of one file with these settings; raises ValueError with one sentence."""
    return bounded(sizes_of(path, wanted.moved), wanted)


def bounded(sizes: BuildSizes, wanted: Request) -> Memory:
    memory = estimate(sizes, wanted.settings)
    parts = [part for device in (*memory.devices, memory.host) for part in (device.weights, device.kv, device.compute)]
    if min(parts) < 0 or sum(parts) >= MOST:
        raise ValueError("What the header states adds up to more memory than can be; its metadata cannot be true.")
    return memory


@lru_cache(maxsize=512)
def sizes_of(path: str, moved: re.Pattern[str] | None) -> BuildSizes:
    return read_sizes(path, moved)


def read_sizes(path: str, moved: re.Pattern[str] | None) -> BuildSizes:
    """Sizes of one file; raises ValueError with one sentence when it cannot be read or cannot be true."""
    read = read_header(path)
    tensors = tuple(Tensor(t["name"], tuple(t["shape"]), t["type"]) for t in read["tensors"])
    return summarise(Header(read["kv"], tensors, read["n_vocab"]), moved)
