"""A launch whose file has just arrived, planned again: the file may need more than its computed twin did."""

from __future__ import annotations

from django.db import transaction

from advisor.engines.installed import installed_program
from advisor.fit.engines.base import BadSetting
from advisor.fit.engines.registry import planners
from advisor.fit.ranking.plans import planned
from advisor.fit.units import GIB
from advisor.launch import shapes
from advisor.launch.document import prediction
from advisor.launch.endings import fail
from advisor.launch.engine_process import launch_settings
from advisor.launch.refused import no_room
from advisor.launch.transitions import move
from advisor.models import Launch
from advisor.selectors.catalog import find_build
from advisor.selectors.hosts import read_host
from hardware import ledger


def predicted_again(launch: Launch) -> shapes.Prediction | None:
    """By the sizes that the catalog has now, with the launch's own settings; None where it cannot be said."""
    found, planner = find_build(launch.build), planners().get(launch.engine)
    if found is None or planner is None or not found[1].sizes:
        return None
    model, build = found
    host = read_host(launch.host_id).host
    try:
        placed = planner.stated(build, host, launch_settings(launch))
    except (BadSetting, LookupError, ValueError):
        return None
    if len(placed.memory.devices) != len(launch.devices):
        return None
    plan = planned(planner, model, build, host, placed, prompt_tokens=1)
    return prediction(plan, launch.devices, installed_program(launch.engine))


def queue_fetched(launch: Launch) -> None:
    """Move from downloading to queued, and reserve what the file needs beyond the plan, both or neither."""
    again, before = predicted_again(launch), launch.predicted
    more = {}
    if again:
        for uuid, part in again["devices"].items():
            more[uuid] = max(0, part["total"] - before["devices"].get(uuid, {}).get("total", 0))
        more[ledger.RAM] = max(0, again["host"]["total"] - before["host"]["total"])
    extra = sum(more.values())
    told = f", and need {extra / GIB:.2f} GiB more than was planned" if extra else ""
    said = {"predicted": {**before, **again}} if again else {}
    try:
        with transaction.atomic():
            if move(launch, "queued", note=f"its files are here{told}", watch={}, **said) and extra:
                ledger.extend(launch.pk, launch.host_id, more)
    except ledger.NoRoom as error:
        launch.refresh_from_db()
        reason = "host_memory" if error.uuid == ledger.RAM else "gpu_memory"
        fail(launch, reason, no_room(launch.model, error, more="more "))
