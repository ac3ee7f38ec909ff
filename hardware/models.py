"""Hosts, their readings and accelerators, and the reservations of accelerator memory."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q


class Host(models.Model):
    id = models.CharField(primary_key=True, max_length=80, help_text="'local' is the machine that serves the page")
    name = models.CharField(max_length=120)
    queue = models.CharField(max_length=100)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.id


class Snapshot(models.Model):
    """The reading of one probe, or the reason it failed. The last good one is kept when a later one fails."""

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="snapshots")
    taken = models.DateTimeField(db_index=True)
    ok = models.BooleanField()
    error = models.CharField(max_length=80, blank=True, help_text="code: timeout, crash, driver_mismatch, ...")
    message = models.TextField(blank=True, help_text="one sentence for a person")
    data = models.JSONField(null=True, blank=True, help_text="the probe's output")

    class Meta:
        ordering = ["-id"]  # not by time: a clock may be set back
        get_latest_by = "id"

    def __str__(self) -> str:
        return f"{self.host_id} {self.taken:%Y-%m-%d %H:%M:%S} {self.error or 'ok'}"


class Accelerator(models.Model):
    """A device by UUID. Only `hardware.ledger` changes what is free, seen and reserved, by conditional UPDATEs.

    What may still be promised is the driver's free bytes less what is reserved and not loaded yet: `seen_bytes` is the
    part of the reservations that the newest reading counts as used.
    """

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="accelerators")
    uuid = models.CharField(max_length=120)
    name = models.CharField(max_length=160)
    kind = models.CharField(max_length=12, default="gpu", help_text="gpu | mig | unified | memory (the host's RAM)")
    capacity_bytes = models.PositiveBigIntegerField()
    reserved_bytes = models.PositiveBigIntegerField(default=0)
    free_bytes = models.PositiveBigIntegerField(null=True, help_text="by the newest reading; null if never read")
    seen_bytes = models.PositiveBigIntegerField(default=0, db_default=0)
    read_at = models.FloatField(null=True, help_text="when that reading began, by the boot clock")
    read_boot = models.CharField(max_length=40, default="", db_default="", help_text="and of which boot")
    present = models.BooleanField(default=True)

    class Meta:
        ordering = ["host_id", "id"]
        constraints = [
            models.UniqueConstraint(fields=["host", "uuid"], name="accelerator_unique"),
            models.CheckConstraint(condition=Q(reserved_bytes__lte=F("capacity_bytes")), name="never_promised_twice"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.uuid})"


class Reservation(models.Model):
    """Bytes of one accelerator held for one holder (a launch id) until released."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    accelerator = models.ForeignKey(Accelerator, on_delete=models.CASCADE, related_name="reservations")
    holder = models.UUIDField(db_index=True)
    bytes = models.PositiveBigIntegerField()
    loaded_bytes = models.PositiveBigIntegerField(default=0, db_default=0, help_text="measured of its holder")
    loaded_at = models.FloatField(null=True, help_text="when that was measured, by the boot clock")
    seen_bytes = models.PositiveBigIntegerField(default=0, db_default=0, help_text="its part of the accelerator's")
    pid = models.PositiveIntegerField(null=True, help_text="the process that was measured, with the next two")
    start_ticks = models.PositiveBigIntegerField(default=0, db_default=0)
    boot_id = models.CharField(max_length=40, default="", db_default="")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["accelerator", "holder"], name="one_reservation_per_holder"),
        ]

    def __str__(self) -> str:
        return f"{self.bytes} bytes for {self.holder}"
