"""The launch queue: reserves memory and inserts the row, both or neither."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from advisor.engines.installed import installed_program
from advisor.engines.registry import adapters
from advisor.files.local import find_launchable
from advisor.fit.engines.registry import planners
from advisor.fit.spec import Plan, Rejection
from advisor.launch import shapes
from advisor.launch.document import launch_document, prediction
from advisor.launch.nudge import nudge
from advisor.launch.refused import LaunchRefused, ReadingChanged, no_room
from advisor.models import Launch
from advisor.question.errors import Invalid
from advisor.selectors.hosts import LaunchPlace
from hardware import ledger
from hardware.clock import uptime
from hardware.snapshots import newest_reading
from rest.logs import about

log = logging.getLogger(__name__)
KEY_LIVES = timedelta(days=1)


def get_launch(launch_id: UUID) -> Launch:
    """The launch with this id. Raises Launch.DoesNotExist."""
    return Launch.objects.get(pk=launch_id)


def recent_launches(limit: int = 50) -> list[shapes.Launch]:
    """Documents of the newest launches, newest first."""
    return [launch_document(launch) for launch in Launch.objects.prefetch_related("events")[:limit]]


@dataclass(frozen=True, slots=True)
class Once:
    """An Idempotency-Key: it belongs to who sent it and to the request that it came with.

    It is forgotten a day after its launch has ended.
    """

    key: str
    owner: str
    asked: str  # sha256 of the request


def launch_of(once: Once | None) -> Launch | None:
    """The launch that this request made before, if any. Raises Invalid (422) where another request has its key."""
    if once is None:
        return None
    mine = Launch.objects.filter(owner=once.owner, idempotency_key=once.key)
    mine.filter(status__in=Launch.FINAL, updated__lt=timezone.now() - KEY_LIVES).update(idempotency_key=None)
    known = mine.first()
    if known and known.asked != once.asked:
        sentence = "This key came with another request before: use a new key for a new launch."
        raise Invalid([{"field": "Idempotency-Key", "message": sentence}], 422)
    return known


def launchable(result: Mapping[str, Any]) -> bool:
    """Whether this machine could launch a result of a decision as it stands: the file and a program for it are here."""
    return result["build"]["on_disk"] and served_here(result)


def fetchable(result: Mapping[str, Any]) -> bool:
    """Whether it could once its file has been fetched, which a launch does by itself."""
    build = result["build"]
    missing = build["repo"] and build["format"] == "gguf" and not build["on_disk"]
    return bool(settings.DOWNLOADS and missing and served_here(result))


def served_here(result: Mapping[str, Any]) -> bool:
    program = installed_program(result["engine"])
    return bool(program and (program.accelerators or not result["memory"]["devices"]))


def why_not_fetched(plan: Plan, *, download: bool) -> str:
    here = f"The file of {plan.build.id} is not on this machine"
    if not plan.build.repo:
        return f"{here}, and no repository that holds it is known: put it into the model folder."
    if plan.build.format != "gguf":
        return f"{here}, and only GGUF files are fetched: fetch it with its engine."
    return f'{here}: ask with "download": true to have it fetched from {plan.build.repo}.'


def enqueue(
    plan: Plan,
    place: LaunchPlace,
    *,
    once: Once | None = None,
    owner: str = "",
    restart: str = "no",
    download: bool | None = None,
) -> tuple[Launch, bool]:
    """Reserve the plan's memory and insert the queued launch, both or neither; then nudge the host's worker.

    Returns the launch and whether it is new. Raises LaunchRefused, and ReadingChanged where the host was read again
    since the plan was made.
    """
    host, uuids = place.host, list(place.uuids)
    download = settings.DOWNLOADS if download is None else download
    engine = adapters().get(plan.engine)
    if engine is None or plan.build.format not in engine.FORMATS:
        raise LaunchRefused(f"{plan.engine} cannot be launched from here with a {plan.build.format} build.")
    here = host == settings.HOST_ID
    program = installed_program(plan.engine) if here else None
    path = find_launchable(plan.build.id, plan.build.files) if here else None
    if here and program is None:
        raise LaunchRefused(f"No program for {plan.engine} is installed on this machine.")
    if program and uuids and not program.accelerators:
        raise LaunchRefused(
            f"{program.name}, the engine on this machine, computes on the CPU only and this plan is for a GPU. "
            "Install llama-server, or launch the plan for the CPU."
        )
    fetch = here and path is None
    if fetch and not (download and plan.build.repo and plan.build.format == "gguf"):
        raise LaunchRefused(why_not_fetched(plan, download=download))
    try:
        engine.env(uuids, "")
    except ValueError as error:
        raise LaunchRefused(str(error)) from error
    launch = Launch(
        id=uuid4(),
        host_id=host,
        model=plan.model.slug,
        build=plan.build.id,
        engine=plan.engine,
        alias=plan.model.slug,
        settings=planners()[plan.engine].kept_settings(plan.settings),
        devices=uuids,
        model_path=str(path or ""),
        status=Launch.Status.DOWNLOADING if fetch else Launch.Status.QUEUED,
        watch={"asked": uptime()} if fetch else {},
        predicted=prediction(plan, uuids, program),
        idempotency_key=once.key if once else None,
        asked=once.asked if once else "",
        owner=owner,
        restart=restart,
    )
    amounts = {u: memory.total for u, memory in zip(uuids, plan.memory.devices, strict=True)}
    try:
        with transaction.atomic():
            ledger.reserve(launch.pk, host, {**amounts, ledger.RAM: plan.memory.host.total})
            # Checked after the reservation, which locks the rows that a new reading updates: the reading is either
            # visible here or waits for this transaction.
            if newest_reading(host) != place.reading:
                raise ReadingChanged
            launch.save(force_insert=True)
            transaction.on_commit(partial(nudge, host))
    except IntegrityError:
        # Two concurrent requests with one key: the other one won, and its reservation is the only one.
        known = launch_of(once)
        if known is None:
            raise
        return known, False
    except ledger.NoRoom as error:
        reason = "host_memory" if error.uuid == ledger.RAM else "gpu_memory"
        rejection = Rejection(plan.model.slug, plan.build.id, reason, error.needed, error.available)
        raise LaunchRefused(no_room(plan.model.slug, error), rejection) from error
    with about(launch.pk):
        log.info("%s: %s on %s for %s", launch.model, launch.status, host, owner or "somebody at this machine")
    return launch, True
