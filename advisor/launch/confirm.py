"""Confirmation of a launch by the engine's dry run, beside the prediction. Runs a child; writes no row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from advisor.engines import dry_run
from advisor.engines.installed import installed_program
from advisor.fit.spec import DeviceMemory
from advisor.fit.units import GIB
from advisor.launch.engine_process import launch_settings
from advisor.launch.shapes import EngineConfirmation
from advisor.models import Launch

SECONDS = 2.0  # a launch can do without the engine's plan, and waits no longer than this for it


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The engine's answer about a launch that is about to start."""

    note: str = ""  # for the launch's history
    engine: EngineConfirmation | None = None
    more: int = 0  # bytes of host memory that the engine plans beyond the reservation


def confirm(launch: Launch, path: Path) -> Confirmation:
    """Ask the program that will run the launch for its own plan. No answer does not prevent the start."""
    program = installed_program(launch.engine)
    if not program or not program.dry_run:
        return Confirmation()
    if known := launch.predicted.get("engine"):
        return Confirmation(engine=known)
    try:
        plan = dry_run.ask_engine(program.dry_run, path, launch_settings(launch), seconds=SECONDS)
    except dry_run.NoAnswer as error:
        return Confirmation(f"not confirmed by the engine: {error}")
    host = launch.predicted["host"]
    said = dry_run.beside_prediction(DeviceMemory(*(host[part] for part in dry_run.PARTS)), plan)
    total = said["host"]["total"]
    if said["agrees"]:
        return Confirmation(f"confirmed by the engine's own plan ({plan.engine})", {**said, "message": None})
    more = max(0, total["engine"] - total["predicted"])
    message = (
        f"The engine's own plan is {total['engine'] / GIB:.2f} GiB where {total['predicted'] / GIB:.2f} GiB were "
        "predicted; the larger counts."
    )
    return Confirmation(message, {**said, "message": message}, more)
