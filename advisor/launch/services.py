"""Launches: request, stop, and make rows and processes agree. The only writer of `Launch.status`.

Every change of status is one conditional UPDATE that must hit exactly one row, with its event in the same transaction.
Intent is written before the act, so whoever comes after a crash knows what may have happened; the marker in the child's
environment tells whether it did.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from advisor.launch import files, registry, running
from advisor.launch.documents import document, prediction
from advisor.launch.running import log_tail
from advisor.models import Launch, LaunchEvent
from hardware import ledger
from hardware.hosts import host_document, is_here
from hardware.models import Host
from hardware.stated import HardwareError
from rest.logs import about

if TYPE_CHECKING:
    from celery import Celery

    from advisor.fit.spec import Plan
    from advisor.launch.confirm import Confirmation

__all__ = [
    "Refused",
    "begin",
    "document",
    "enqueue",
    "get",
    "launchable",
    "log_tail",
    "move",
    "nudge",
    "recent",
    "request",
    "stop",
    "stop_all",
]
log = logging.getLogger(__name__)


class Refused(Exception):
    """The launch cannot be taken on now; the message is a sentence for a person.

    `verdict` has the form of a rejection: where the host's room or the age of its reading is the reason.
    """

    def __init__(self, sentence: str, verdict: dict[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.verdict = verdict


def get(launch_id: UUID) -> Launch:
    """Raises Launch.DoesNotExist."""
    return Launch.objects.get(pk=launch_id)


def recent(limit: int = 50) -> list[dict[str, Any]]:
    """Documents of the newest launches."""
    return [document(launch) for launch in Launch.objects.prefetch_related("events")[:limit]]


def request(
    *, host: str = "local", idempotency_key: str | None = None, owner: str = "", **wish: Any
) -> tuple[Launch, bool]:
    """Plan on a fresh snapshot, reserve, and queue; whether it is new. The same key answers with the same launch.

    `wish` as `advice.plan_for_launch` takes it. Raises Refused, and Invalid or DoesNotFit of `advisor.advice`.
    """
    if known := keyed(idempotency_key):
        return known, False
    from advisor import advice  # noqa: PLC0415  (it imports the catalog, which a worker's start should not wait for)

    host = settings.HOST_ID if is_here(host) else host
    reading = fresh(host, wish)
    plan = advice.plan_for_launch(host=host, **wish)
    again = host_document(host)
    if again["snapshot"]["id"] != reading["snapshot"]["id"]:
        # The plan counts devices by their place in one reading; a newer one may have them in another order.
        plan = advice.plan_for_launch(host=host, **wish)
        if host_document(host)["snapshot"]["id"] != again["snapshot"]["id"]:
            raise Refused("The host's hardware is being read again right now. Ask again in a moment.")
    uuids = [again["accelerators"][index]["uuid"] for index in plan.devices]
    return enqueue(plan, host, uuids=uuids, idempotency_key=idempotency_key, owner=owner)


def fresh(host: str, wish: Mapping[str, Any]) -> dict[str, Any]:
    """The host's document. An old one is not read anew here: a web server may see no GPU where its worker sees all.

    Raises Refused, or advice.Invalid.
    """
    from advisor import advice  # noqa: PLC0415

    try:
        reading = host_document(host)
    except HardwareError as error:
        raise advice.Invalid([{**e, "field": "host"} for e in error.errors], error.status) from error
    if reading["snapshot"]["stale"]:
        why = reading["snapshot"]["message"] or f"it is {reading['snapshot']['age_seconds']:.0f} s old."
        raise Refused(
            f"The last reading of host {host!r} cannot be planned on: {why}",
            verdict(wish.get("model") or model_of(wish.get("build")), wish.get("build"), "stale_snapshot"),
        )
    return reading


def keyed(key: str | None) -> Launch | None:
    return Launch.objects.filter(idempotency_key=key).first() if key else None


def launchable(result: dict[str, Any]) -> bool:
    """Whether this machine could take on a result of a decision as it stands: its file and its engine are here."""
    program = running.program(result["engine"])
    return result["build"]["on_disk"] and bool(program and (program.accelerators or not result["settings"]["devices"]))


def enqueue(
    plan: Plan, host: str, *, uuids: list[str], idempotency_key: str | None = None, owner: str = ""
) -> tuple[Launch, bool]:
    """Reserve what the plan holds and insert the queued launch, both or neither; then nudge the host's worker.

    `uuids`: the accelerators of `plan.memory.devices`, in order. Raises Refused.
    """
    engine = registry.engines().get(plan.engine)
    if engine is None or plan.build.format not in engine.FORMATS:
        raise Refused(f"{plan.engine} cannot be launched from here with a {plan.build.format} build.")
    here = host == settings.HOST_ID
    program = running.program(plan.engine) if here else None
    path = files.find(plan.build.files, roots=settings.MODEL_ROOTS) if here else None
    if here and program is None:
        raise Refused(f"No program for {plan.engine} is installed on this machine.")
    if program and uuids and not program.accelerators:
        raise Refused(
            f"{program.name}, the engine on this machine, computes on the CPU only and this plan is for a GPU. "
            "Install llama-server, or launch the plan for the CPU."
        )
    if here and path is None:
        raise Refused(f"The file of {plan.build.id} is not on this machine.")
    launch = Launch(
        id=uuid4(),
        host_id=host,
        model=plan.model.slug,
        build=plan.build.id,
        engine=plan.engine,
        alias=plan.model.slug,
        settings=plan.settings._asdict(),
        devices=uuids,
        model_path=str(path or ""),
        predicted=prediction(plan, uuids, program),
        idempotency_key=idempotency_key,
        owner=owner,
    )
    amounts = {u: memory.total for u, memory in zip(uuids, plan.memory.devices, strict=True)}
    try:
        with transaction.atomic():
            ledger.reserve(launch.pk, host, {**amounts, ledger.RAM: plan.memory.host.total})
            launch.save(force_insert=True)
            transaction.on_commit(partial(nudge, host))
    except IntegrityError:
        # Two requests with one key at once: the other one won, and its reservation is the only one.
        known = keyed(idempotency_key)
        if known is None:
            raise
        return known, False
    except ledger.NoRoom as error:
        reason = "host_memory" if error.uuid == ledger.RAM else "gpu_memory"
        why = verdict(plan.model.slug, plan.build.id, reason, error.needed, error.available)
        raise Refused(no_room(plan.model.slug, error), why) from error
    with about(launch.pk):
        log.info("%s: queued on %s for %s", launch.model, host, owner or "somebody at this machine")
    return launch, True


def stop(launch_id: UUID) -> Launch:
    """Ask for the end of a launch. Asking again, or after the end, changes nothing. Raises Launch.DoesNotExist."""
    launch = get(launch_id)
    while launch.status in Launch.ACTIVE and launch.status != Launch.Status.STOPPING:
        # Nothing runs for a queued launch, so nothing has to end first.
        queued = launch.status == Launch.Status.QUEUED
        moved = move(launch, "stopped" if queued else "stopping", note="asked to stop", stop_requested=True)
        launch = get(launch_id)
        if moved:
            transaction.on_commit(partial(nudge, launch.host_id))
    return launch


def move(launch: Launch, to: str, *, note: str = "", **fields: Any) -> bool:
    """From the status that `launch` was read with to `to`; False when another writer was first, and nothing is changed.

    An end gives the reservation back in the same transaction.
    """
    with transaction.atomic():
        rows = Launch.objects.filter(pk=launch.pk, status=launch.status)
        if rows.update(status=to, updated=timezone.now(), **fields) != 1:
            return False
        LaunchEvent.objects.create(launch_id=launch.pk, from_status=launch.status, to_status=to, note=note)
        if to in Launch.FINAL:
            ledger.release(launch.pk)
    with about(launch.pk):
        log.info("%s: %s -> %s%s", launch.model, launch.status, to, f": {note}" if note else "")
    launch.refresh_from_db()
    return True


def begin(launch: Launch, confirmation: Confirmation, **fields: Any) -> bool:
    """From queued to starting, in one transaction with what the engine plans beyond the prediction.

    Where there is no room for that, the launch has failed. False when nothing is to be started: that, or another writer
    was first.
    """
    said = {"predicted": launch.predicted | {"engine": confirmation.engine}} if confirmation.engine else {}
    try:
        with transaction.atomic():
            moved = move(launch, "starting", note=confirmation.note, **said, **fields)
            if moved and confirmation.more:
                ledger.extend(launch.pk, launch.host_id, {ledger.RAM: confirmation.more})
    except ledger.NoRoom as error:
        launch.refresh_from_db()
        message = f"{confirmation.note} {no_room(launch.model, error, more='more ')}"
        move(launch, "failed", note="host_memory", reason="host_memory", message=message, **said)
        return False
    return moved


def no_room(model: str, error: ledger.NoRoom, more: str = "") -> str:
    gib = 1 << 30
    where = "the host's memory" if error.uuid == ledger.RAM else error.uuid
    return (
        f"There is no room: {model} needs {error.needed / gib:.1f} GiB {more}of {where}, "
        f"and {error.available / gib:.1f} GiB are not promised yet."
    )


def verdict(
    model: str | None, build: str | None, reason: str, needed: int | None = None, available: int | None = None
) -> dict[str, Any]:
    """As `documents.rejection` of a plan, where there is none that a change of the question would help."""
    figures = {"needed_bytes": needed, "available_bytes": available}
    return {"model": model, "build": build, "reason": reason, **figures, "fixes": []}


def model_of(build: str | None) -> str | None:
    """The slug in a build's id."""
    return build.partition(":")[0] if build else None


def stop_all(timeout: float = 15.0) -> bool:
    """Stop every launch of this machine and see to it, at most `timeout` seconds. True when none is active any more."""
    from advisor.launch import reconciler  # noqa: PLC0415  (it writes through this module)

    active = Launch.objects.filter(host_id=settings.HOST_ID, status__in=Launch.ACTIVE)
    for pk in active.values_list("pk", flat=True):
        stop(pk)
    reconciler.settle(settings.HOST_ID, timeout)
    return not active.exists()


@cache
def publisher() -> Celery:
    from celery import Celery  # noqa: PLC0415  (a web process that never launches need not load it)

    app = Celery("berth", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    return app


def nudge(host_id: str) -> None:
    """Tell the host's worker to look at its rows now; returns at once. A broker that is down loses nothing.

    A thread of its own: the client tries a dead broker for some six seconds whatever its settings say, and whoever
    asked for the launch has no reason to wait for that.
    """
    queue = Host.objects.values_list("queue", flat=True).get(pk=host_id)
    threading.Thread(target=send, args=(queue,), daemon=True).start()


def send(queue: str) -> None:
    try:
        publisher().send_task("advisor.tasks.nudge", queue=queue, expires=60, retry=False)
    except Exception as error:  # kombu lets the errors of every transport through; the row is the queue
        log.warning("Nudge of %s was not sent (%s); its next look at the queue will do.", queue, error)
