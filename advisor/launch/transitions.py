"""The launch state machine, and the only writer of `Launch.status`.

Every transition is one conditional UPDATE that must hit exactly one row, with its event in the same transaction. Intent
is written before the act, so that after a crash the next worker knows what may have happened; the marker in the child's
environment tells whether it did.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from advisor.launch.confirm import Confirmation
from advisor.launch.nudge import nudge
from advisor.launch.queue import get_launch
from advisor.launch.refused import no_room
from advisor.models import Launch, LaunchEvent
from hardware import ledger
from rest.logs import about

log = logging.getLogger(__name__)


def stop_launch(launch_id: UUID) -> Launch:
    """Request the stop of a launch. Idempotent, also after the end. Raises Launch.DoesNotExist."""
    launch = get_launch(launch_id)
    while launch.status in Launch.ACTIVE and launch.status != Launch.Status.STOPPING:
        # A queued launch has no process to end first.
        queued = launch.status == Launch.Status.QUEUED
        moved = move(launch, "stopped" if queued else "stopping", note="asked to stop", stop_requested=True, message="")
        launch = get_launch(launch_id)
        if moved:
            transaction.on_commit(partial(nudge, launch.host_id))
    return launch


def move(launch: Launch, to: str, *, note: str = "", **fields: Any) -> bool:
    """Move `launch` from the status it was read with to `to`; False, with nothing changed, if another writer was first.

    A final status releases the reservation in the same transaction; one that waits for a start has nothing loaded.
    """
    with transaction.atomic():
        rows = Launch.objects.filter(pk=launch.pk, status=launch.status)
        if rows.update(status=to, updated=timezone.now(), **fields) != 1:
            return False
        LaunchEvent.objects.create(launch_id=launch.pk, from_status=launch.status, to_status=to, note=note)
        if to in Launch.FINAL:
            ledger.release(launch.pk)
        elif to == Launch.Status.QUEUED:
            ledger.unloaded(launch.pk)
    with about(launch.pk):
        log.info("%s: %s -> %s%s", launch.model, launch.status, to, f": {note}" if note else "")
    launch.refresh_from_db()
    return True


def begin(launch: Launch, confirmation: Confirmation, **fields: Any) -> bool:
    """Move from queued to starting, and reserve in the same transaction what the engine plans beyond the prediction.

    If there is no room for that, the launch fails instead. False when nothing is to be started, for that reason or
    because another writer was first.
    """
    said = {"predicted": launch.predicted | {"engine": confirmation.engine}} if confirmation.engine else {}
    try:
        with transaction.atomic():
            moved = move(launch, "starting", note=confirmation.note, **said, **fields)
            if moved:
                ledger.unloaded(launch.pk)
            if moved and confirmation.more:
                ledger.extend(launch.pk, launch.host_id, {ledger.RAM: confirmation.more})
    except ledger.NoRoom as error:
        launch.refresh_from_db()
        message = f"{confirmation.note} {no_room(launch.model, error, more='more ')}"
        move(launch, "failed", note="host_memory", reason="host_memory", message=message, **said)
        return False
    return moved
