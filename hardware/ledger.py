"""The reservation ledger: which holder has how many bytes of which accelerator. No byte is promised twice."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.db import transaction
from django.db.models import F

from hardware.models import Accelerator, Reservation

RAM = "ram"


class NoRoom(Exception):
    """The accelerator cannot hold `needed` more bytes; `available` were left. Nothing was reserved."""

    def __init__(self, uuid: str, needed: int, available: int) -> None:
        self.uuid, self.needed, self.available = uuid, needed, available
        super().__init__(f"Accelerator {uuid} has {available} bytes left to promise; {needed} are needed.")


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
        room = rows.filter(present=True, capacity_bytes__gte=F("reserved_bytes") + amount)
        if not room.update(reserved_bytes=F("reserved_bytes") + amount):
            left = rows.filter(present=True).values_list("capacity_bytes", "reserved_bytes").first() or (0, 0)
            raise NoRoom(uuid, amount, left[0] - left[1])
        yield rows.get(), amount


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
        held_rows = Reservation.objects.filter(holder=holder).order_by("accelerator__uuid")
        for pk, accelerator_id, amount in list(held_rows.values_list("pk", "accelerator_id", "bytes")):
            if Reservation.objects.filter(pk=pk).delete()[0]:
                Accelerator.objects.filter(pk=accelerator_id).update(reserved_bytes=F("reserved_bytes") - amount)
                freed += amount
    return freed


def held(host_id: str) -> dict[UUID, dict[str, int]]:
    """Bytes by accelerator uuid, for every holder on the host."""
    rows = Reservation.objects.filter(accelerator__host_id=host_id)
    found: dict[UUID, dict[str, int]] = {}
    for holder, uuid, amount in rows.values_list("holder", "accelerator__uuid", "bytes"):
        found.setdefault(holder, {})[uuid] = amount
    return found
