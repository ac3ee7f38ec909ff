"""Compares a prediction with the engine's own plan, for `manage.py estimate --confirm`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from advisor.engines import dry_run
from advisor.engines.registry import adapters, dry_run_command
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.spec import Memory
from advisor.fit.units import GIB


def confirmation(path: str, settings: Settings, memory: Memory) -> dict[str, Any]:
    """As `dry_run.beside_prediction`, or `{"unknown": sentence}` where the engine gives no plan."""
    command = dry_run_command(adapters()["llama.cpp"])
    try:
        plan = dry_run.ask_engine(command, Path(path).absolute(), settings, seconds=dry_run.SECONDS)
    except dry_run.NoAnswer as error:
        return {"unknown": str(error)}
    return dry_run.beside_prediction(memory.host, plan)


def table(confirmed: dict[str, Any]) -> str:
    if "unknown" in confirmed:
        return f"Not confirmed: {confirmed['unknown']}"
    lines = [f"{'host, GiB':12}{'predicted':>12}{'engine':>12}{'off by':>12}"]
    for part, found in confirmed["host"].items():
        off = found["difference_percent"]
        cells = f"{found['predicted'] / GIB:12.3f}{found['engine'] / GIB:12.3f}"
        lines.append(f"{part:12}{cells}" + (f"{'-':>12}" if off is None else f"{off:+10.2f} %"))
    verdict = "confirms" if confirmed["agrees"] else "does not confirm"
    lines.append(f"{confirmed['engine']} {verdict} the prediction (within {dry_run.TOLERANCE_PERCENT:g} %).")
    return "\n".join(lines)
