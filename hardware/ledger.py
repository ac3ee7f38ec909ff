"""The reservation ledger: which holder has how many bytes of which accelerator. No byte is promised twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Least

from hardware.models import Accelerator, Reservation
from hardware.processes import Identity, runs

RAM = "ram"


class NoRoom(Exception):
    """The accelerator cannot hold `needed` more bytes; `available` were left. Nothing was reserved."""

    def __init__(self, uuid: str, needed: int, available: int) -> None:
        self.uuid, self.needed, self.available = uuid, needed, available
        super().__init__(f"Accelerator {uuid} has {available} bytes free to promise; {needed} are needed.")


class AlreadyHeld(Exception):
    """This holder already has reservations; release them first."""


def reserve(holder: UUID, host_id: str, amounts: dict[str, int]) -> None:
    """Reserve `amounts` (bytes by accelerator uuid; "ram" is the host's memory) for `holder`, all or nothing.

    Amounts for a unified device are taken from the host's memory, the one pool that both share. Raises NoRoom,
    AlreadyHeld, or ValueError for a negative amount.
    """
    with transaction.atomic():
        if Reservation.objects.filter(holder=holder).exists():
            raise AlreadyHeld(f"{holder} already holds memory.")
        for accelerator, amount in _promise(host_id, amounts):
            Reservation.objects.create(accelerator=accelerator, holder=holder, bytes=amount)


def extend(holder: UUID, host_id: str, amounts: dict[str, int]) -> None:
    """Reserve `amounts` for `holder` on top of what it holds, all or nothing. As `reserve`, but never AlreadyHeld.

    The caller's transaction must keep `holder` from being released meanwhile.
    """
    with transaction.atomic():
        for accelerator, amount in _promise(host_id, amounts):
            held_row = Reservation.objects.filter(accelerator=accelerator, holder=holder)
            if not held_row.update(bytes=F("bytes") + amount):
                Reservation.objects.create(accelerator=accelerator, holder=holder, bytes=amount)


def _promise(host_id: str, amounts: dict[str, int]) -> Iterator[tuple[Accelerator, int]]:
    """Add each amount to the reserved bytes and yield it with its accelerator.

    Raises NoRoom, or ValueError for a negative amount.
    """
    if any(amount < 0 for amount in amounts.values()):
        raise ValueError("amounts must not be negative.")
    # Sorted, so that two holders of the same devices lock the rows in the same order and cannot deadlock.
    for uuid, amount in sorted(pooled(host_id, amounts).items()):
        rows = Accelerator.objects.filter(host_id=host_id, uuid=uuid)
        # One conditional UPDATE: a separate read could be stale by the time the write lands.
        promised = F("reserved_bytes") + amount
        unread, free = Q(free_bytes=None), Q(free_bytes__gte=promised - F("seen_bytes"))
        room = rows.filter(unread | free, present=True, capacity_bytes__gte=promised)
        if not room.update(reserved_bytes=promised):
            row = rows.filter(present=True).first()
            raise NoRoom(uuid, amount, left(row, row.free_bytes) if row else 0)
        yield rows.get(), amount


def left(row: Accelerator, free: int | None) -> int:
    """Bytes that may still be promised where the driver reports `free` bytes free, or was never read."""
    unpromised = row.capacity_bytes - row.reserved_bytes
    return max(0, unpromised if free is None else min(unpromised, free - row.reserved_bytes + row.seen_bytes))


def loaded(holder: UUID, host_id: str, amounts: dict[str, int], at: float, who: Identity) -> None:
    """Note what `holder`'s process was measured to use, by accelerator uuid, at this second of the boot clock.

    It counts as loaded once a reading has begun after it and found the process alive: until then the driver's free
    bytes may still include it.
    """
    process = {"pid": who.pid, "start_ticks": who.start_ticks, "boot_id": who.boot_id}
    for uuid, amount in pooled(host_id, amounts).items():
        rows = Reservation.objects.filter(holder=holder, accelerator__host_id=host_id, accelerator__uuid=uuid)
        rows.update(loaded_bytes=amount, loaded_at=at, **process)


def unloaded(holder: UUID) -> None:
    """Nothing of `holder` is loaded any more, or yet: its engine ended, or is about to be started."""
    with transaction.atomic():
        for accelerator in _locked(reservations__holder=holder):
            Reservation.objects.filter(accelerator=accelerator, holder=holder).update(
                loaded_bytes=0, loaded_at=None, seen_bytes=0, pid=None
            )
            _sum_seen(accelerator)


def read(host_id: str, free: dict[str, int | None], began: float | None, boot: str = "") -> None:
    """Take in a reading that has just ended: the driver's free bytes by uuid, and which loads are missing from them.

    `began` is when it began by the clock of this boot of the host, None where that is not known: then no further load
    counts as seen. One that began before the newest is an old picture and changes nothing.
    """
    with transaction.atomic():
        for accelerator in _locked(host_id=host_id, uuid__in=free):
            if began is not None and boot == accelerator.read_boot and began < (accelerator.read_at or 0.0):
                continue
            held = Reservation.objects.filter(accelerator=accelerator).exclude(loaded_at=None)
            held.filter(loaded_at__lt=began or 0.0).update(seen_bytes=Least("loaded_bytes", "bytes"))
            # What a process held that is gone by now, the driver may have counted as free again.
            gone = [row.pk for row in held if row.pid is None or not runs(_process(row))]
            held.filter(pk__in=gone).update(seen_bytes=0)
            Accelerator.objects.filter(pk=accelerator.pk).update(
                free_bytes=free[accelerator.uuid], read_at=began, read_boot=boot
            )
            _sum_seen(accelerator)


def _process(row: Reservation) -> Identity:
    return Identity(row.pid or 0, row.start_ticks, row.boot_id)


def _locked(**which: Any) -> list[Accelerator]:
    """These accelerators, locked in the order of all: whoever changes reservations locks theirs first."""
    return list(Accelerator.objects.filter(**which).order_by("uuid").select_for_update(of=("self",)))


def _sum_seen(accelerator: Accelerator) -> None:
    seen = Reservation.objects.filter(accelerator=accelerator).aggregate(seen=Sum("seen_bytes"))["seen"]
    Accelerator.objects.filter(pk=accelerator.pk).update(seen_bytes=seen or 0)


def pooled(host_id: str, amounts: dict[str, int]) -> dict[str, int]:
    unified = set(Accelerator.objects.filter(host_id=host_id, kind="unified").values_list("uuid", flat=True))
    sums: dict[str, int] = {}
    for uuid, amount in amounts.items():
        if amount:
            key = RAM if uuid in unified else uuid
            sums[key] = sums.get(key, 0) + amount
    return sums


def release(holder: UUID) -> int:
    """Release everything `holder` has; returns the bytes released.

    Idempotent, also in a race: only the caller that deletes a row counts it.
    """
    freed = 0
    with transaction.atomic():
        for accelerator in _locked(reservations__holder=holder):
            row = Reservation.objects.filter(accelerator=accelerator, holder=holder).first()
            if row and row.delete()[0]:
                # What the driver counts as used is free again only for the next reading.
                Accelerator.objects.filter(pk=accelerator.pk).update(
                    reserved_bytes=F("reserved_bytes") - row.bytes, seen_bytes=F("seen_bytes") - row.seen_bytes
                )
                freed += row.bytes
    return freed


def held(host_id: str) -> dict[UUID, dict[str, int]]:
    """Bytes by accelerator uuid, for every holder on the host."""
    rows = Reservation.objects.filter(accelerator__host_id=host_id)
    found: dict[UUID, dict[str, int]] = {}
    for holder, uuid, amount in rows.values_list("holder", "accelerator__uuid", "bytes"):
        found.setdefault(holder, {})[uuid] = amount
    return found
