"""Tensor tables as llama.cpp has them, beside the configurations that they are computed from.

layouts/*.json: 79 models, each family at least once; names and shapes as llama.cpp's loader asks for them, types as
`llama-quantize --dry-run` chose: 43 by build b11434, which also asked for names and shapes; the others by b11549, whose
loader takes them as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from advisor.fit.build import Header
from catalog import seed

LAYOUTS = {path.stem: orjson.loads(path.read_bytes()) for path in sorted(Path(__file__).parent.glob("layouts/*.json"))}
Table = dict[str, tuple[tuple[int, ...], str]]


def blocks(ranges: str) -> list[int]:
    bounds = (part.split("-") for part in ranges.split())
    return [i for bound in bounds for i in range(int(bound[0]), int(bound[-1]) + 1)]


def expected(layout: dict[str, Any], quantization: str) -> Table:
    column = layout["quantizations"].index(quantization)
    table: Table = {}
    for name, shape, types, where in layout["tensors"]:
        for full in [f"blk.{i}.{name}" for i in blocks(where)] or [name]:
            table[full] = (tuple(shape), types.split()[column])
    return table


def table(header: Header) -> Table:
    return {tensor.name: (tensor.shape, tensor.type) for tensor in header.tensors}


def configuration(slug: str) -> dict[str, Any]:
    return seed.read_seed(seed.DATA / "models" / f"{slug}.json")["architecture"]
