"""Tables of measured against predicted speed: `python bench/speed.py [rows.json]`. Prints, asserts nothing.

Uses tests/accuracy/speed_rows.json or another file of that form. These rows are among those the constants were fitted
on; `bench/fit_speed.py` prints the errors on held-out (GPU, model) pairs.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from advisor.fit.architectures.computed_header import header
from advisor.fit.build import BuildSizes
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.speed import estimate_speed
from advisor.fit.engines.llama_cpp.tensor_sizes import summarise
from advisor.fit.spec import (
    Device,
    HostSpec,
    Speed,
)
from advisor.fit.speed.efficiency import device_class

ROWS = ROOT / "tests/accuracy/speed_rows.json"
ROOFLINE = 0.55


@dataclass(frozen=True, slots=True)
class Judged:
    row: dict[str, Any]
    speed: Speed
    roofline: float
    kind: str

    def error(self, what: str) -> float | None:
        """Relative error of the middle of the range, or None when nothing was measured."""
        measured = self.row[what]
        return abs(getattr(self.speed, what).mid / measured - 1) if measured else None

    def within(self, what: str) -> bool:
        span = getattr(self.speed, what)
        return bool(span.low <= self.row[what] <= span.high)


def judged(path: Path = ROWS) -> Iterator[Judged]:
    """Every row with the product's prediction."""
    table = json.loads(path.read_text())
    devices = {d["name"]: _device(d) for d in table["devices"]}
    built: dict[tuple[str, str], BuildSizes] = {}
    for row in table["rows"]:
        key = (row["model"], row["quantization"])
        if key not in built:
            entry = json.loads((ROOT / f"catalog/data/models/{row['model']}.json").read_text())
            built[key] = summarise(header(entry["architecture"], row["quantization"]))
        sizes = built[key]
        device = devices.get(row["gpu"])
        on = (device,) if device else ()
        cpu = table["cpus"].get(row["cpu"] or "", {"cores": None, "bandwidth": None})
        host = HostSpec(on, 64 * 2**30, 64 * 2**30, cpu_cores=cpu["cores"], ram_bandwidth=cpu["bandwidth"])
        bare = Settings(gpu_layers=len(sizes.layers) + 1 if device else 0, devices=len(on))

        decode, prefill = (
            estimate_speed(sizes, bare._replace(context=context), host, tuple(range(len(on))), engine=row["engine"])
            for context in (row["depth"] + 64, row["prompt_tokens"] or 512)
        )
        first = row["depth"] in {0, row["prompt_tokens"]}  # exclude prefill that continues a cached prompt
        facts = row | {"prefill": row["prefill"] if first else None}
        bandwidth = device.memory_bandwidth if device else cpu["bandwidth"]
        speed = replace(decode, prefill=prefill.prefill)
        kind = device_class(device) if device else "cpu"
        yield Judged(facts, speed, ROOFLINE * (bandwidth or 0) / sizes.active_bytes, kind)


def _device(facts: dict[str, Any]) -> Device:
    return Device(memory_bytes=0, available_bytes=0, **facts)


def main() -> None:
    every = list(judged(Path(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in every:
        groups[one.kind].append(one)
    columns = ("rows", 6), ("decode median", 15), ("p90", 7), ("in range", 10), ("roofline", 10), ("p90", 7)
    print(" " * 18 + "".join(f"{name:>{width}s}" for name, width in (*columns, ("prefill", 9), ("p90", 7))))
    for name, group in [*sorted(groups.items()), ("all", every)]:
        decode = [g for g in group if g.row["decode"]]
        errors = [g.error("decode") for g in decode]
        plain = [abs(g.roofline / g.row["decode"] - 1) for g in decode]
        prefill = [e for g in group if (e := g.error("prefill")) is not None]
        inside = np.mean([g.within("decode") for g in decode])
        line = f"{name:18s}{len(group):6d}{np.median(errors):14.1%} {np.quantile(errors, 0.9):7.1%}{inside:9.0%} "
        line += f"{np.median(plain):9.1%} {np.quantile(plain, 0.9):7.1%}"
        print(line + (f"{np.median(prefill):8.1%} {np.quantile(prefill, 0.9):7.1%}" if prefill else ""))


if __name__ == "__main__":
    main()
