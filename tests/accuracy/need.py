"""What real devices held, as others measured it, beside the prediction. Their figures, dates and sources: data only.

data/measured_need.jsonl.gz: llama.cpp runs of models of the catalog in quantizations of its own, wholly on devices.
`buffers_mib`: weights, cache and compute as the engine logged them, all devices together. `total_mib`: growth of the
devices' memory from before to during the run, driver's context and kernels included.
"""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from advisor.fit.allowances import device_overhead
from advisor.fit.architectures.computed_header import header
from advisor.fit.architectures.parameter_check import settled
from advisor.fit.build import BuildSizes
from advisor.fit.engines.llama_cpp.memory import estimate_memory
from advisor.fit.engines.llama_cpp.settings_text import read_settings
from advisor.fit.engines.llama_cpp.tensor_sizes import summarise
from advisor.fit.spec import Device
from catalog import seed

DATA = Path(__file__).parent / "data" / "measured_need.jsonl.gz"
MIB = 1 << 20
CAPABILITY = {"nvidia": "8.6"}  # of the RTX 3090
Row = dict[str, Any]


@cache
def rows() -> list[Row]:
    return [orjson.loads(line) for line in gzip.open(DATA)]


def missed_some(row: Row) -> bool:
    """A reading below the size of the file that lay on the device all the while: the counter missed a part."""
    return row.get("total_mib", 0) < row.get("file_mib", 0)


@cache
def sizes(slug: str, quantization: str) -> BuildSizes:
    model = seed.read_seed(seed.DATA / "models" / f"{slug}.json")
    return summarise(header(settled(model["architecture"], model["parameters_total"]), quantization))


def predicted(row: Row) -> tuple[float, float]:
    """(all devices' buffers, overhead beside them), MiB."""
    memory = estimate_memory(sizes(row["model"], row["quantization"]), read_settings(row["settings"]).settings)
    buffers = sum(part.total for part in memory.devices) / MIB
    if "buffers_mib" in row:
        return buffers, 0.0
    vendor = row["vendor"]
    device = Device(row["device"], 0, 0, vendor=vendor, compute_capability=CAPABILITY.get(vendor))
    return buffers, len(memory.devices) * device_overhead(device) / MIB


def measured(row: Row) -> float:
    return float(sum(row["buffers_mib"]) if "buffers_mib" in row else row["total_mib"])


def error(row: Row) -> float:
    """Percent by which the prediction is above the measurement."""
    return 100 * (sum(predicted(row)) / measured(row) - 1)


def groups() -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows():
        if not missed_some(row):
            found.setdefault(row["group"], []).append(row)
    return found


def median_error(group: list[Row]) -> float:
    return median(abs(error(row)) for row in group)


def beyond(group: list[Row]) -> list[float]:
    """Of a whole process: MiB a device beyond the sum of buffers, lowest first."""
    return sorted((measured(row) - predicted(row)[0]) / row["settings"]["ndev"] for row in group)
