"""Predicts the engine's allocation for a GGUF file or a config.json; every refusal is a ValueError of one sentence."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from advisor.fit.architectures.computed_header import header
from advisor.fit.architectures.config_defaults import loaded
from advisor.fit.architectures.dimensions import UnknownLayout
from advisor.fit.build import BuildSizes, Header, Tensor
from advisor.fit.engines.llama_cpp.memory import estimate_memory
from advisor.fit.engines.llama_cpp.settings_text import Request
from advisor.fit.engines.llama_cpp.tensor_sizes import summarise
from advisor.fit.spec import Memory
from catalog.gguf import read_header

MOST_CONFIG = 4 << 20  # bytes; the longest published ones list a quantization state for every matrix
SAME = ("block_count", "embedding_length", "attention.head_count", "attention.head_count_kv")
MOST = 1 << 60  # bytes: no machine has that much, and JSON readers lose integer precision soon after


def predict(path: str, wanted: Request) -> Memory:
    """The memory of one file with these settings. Raises ValueError, one sentence."""
    return bounded(sizes_of(path, wanted.moved), wanted)


def predict_one(gguf: str | None, config: str | None, quantization: str | None, wanted: Request) -> tuple[Memory, str]:
    """The memory, and what it is based on: a file, checked against its config.json if given, or a config.json alone.

    Raises ValueError, one sentence.
    """
    if gguf is None:
        head = described_header(str(config), quantization or "Q4_K_M")
        return bounded(summarise(head, wanted.moved), wanted), "computed"
    if quantization:
        raise ValueError("--quantization goes with --config alone: the file says how it is quantised.")
    if config is not None:
        demand_same(gguf, config)
    return predict(gguf, wanted), "exact header"


def described_header(path: str, quantization: str) -> Header:
    """The header that a GGUF file of the model would have at this quantization."""
    try:
        return header(loaded(configuration(path)), quantization)
    except UnknownLayout as error:
        raise ValueError(str(error)) from error


def configuration(path: str) -> Any:
    try:
        with Path(path).open("rb") as file:
            content = file.read(MOST_CONFIG + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "unknown reason"
        raise ValueError(f"The configuration cannot be read: {reason.lower()}.") from error
    if len(content) > MOST_CONFIG:
        raise ValueError(f"The configuration is longer than {MOST_CONFIG >> 20} MiB.")
    try:
        return orjson.loads(content.replace(b"Infinity", b"null"))  # Python writes Infinity, which is not JSON
    except orjson.JSONDecodeError:
        raise ValueError("The configuration is not JSON.") from None


def demand_same(path: str, config: str) -> None:
    """Raises ValueError when a file's header and a config.json describe different models."""
    read, said = read_header(path)["kv"], described_header(config, "F16").kv
    arch, other = read.get("general.architecture"), said["general.architecture"]
    pairs = [("architecture", arch, other)]
    pairs += [(key, read.get(f"{arch}.{key}"), said.get(f"{other}.{key}")) for key in SAME]
    for name, one, two in pairs:
        if one != two and None not in (one, two):
            raise ValueError(f"The file and the configuration are not of one model: {name} is {one} and {two}.")


def bounded(sizes: BuildSizes, wanted: Request) -> Memory:
    memory = estimate_memory(sizes, wanted.settings)
    parts = [part for device in (*memory.devices, memory.host) for part in (device.weights, device.kv, device.compute)]
    if min(parts) < 0 or sum(parts) >= MOST:
        raise ValueError("What the header states adds up to more memory than can be; its metadata cannot be true.")
    return memory


@lru_cache(maxsize=512)
def sizes_of(path: str, moved: re.Pattern[str] | None) -> BuildSizes:
    return read_sizes(path, moved)


def read_sizes(path: str, moved: re.Pattern[str] | None) -> BuildSizes:
    """The sizes of one file. Raises ValueError, one sentence, when it cannot be read or is impossible."""
    read = read_header(path)
    tensors = tuple(Tensor(t["name"], tuple(t["shape"]), t["type"]) for t in read["tensors"])
    return summarise(Header(read["kv"], tensors, read["n_vocab"]), moved)
