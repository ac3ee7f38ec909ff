"""Read-only admin of hardware: only probes change readings, and only launches change reservations."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from hardware.models import Accelerator, Host, Reservation, Snapshot


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Host)
class HostAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("id", "name", "queue", "created")
    search_fields = ("id", "name")

    def get_readonly_fields(self, request: HttpRequest, obj: Host | None = None) -> tuple[str, ...]:
        # Workers and agents identify themselves by this id; changing it would make another host.
        return ("id", "created") if obj else ("created",)

    def has_delete_permission(self, request: HttpRequest, obj: Host | None = None) -> bool:
        return obj is None or not Reservation.objects.filter(accelerator__host=obj).exists()


@admin.register(Accelerator)
class AcceleratorAdmin(ReadOnly):
    list_display = ("name", "uuid", "host", "kind", "capacity_bytes", "reserved_bytes", "present")
    list_filter = ("host", "kind", "present")
    search_fields = ("name", "uuid")


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnly):
    list_display = ("taken", "host", "ok", "error", "message")
    list_filter = ("host", "ok", "error")
    date_hierarchy = "taken"


@admin.register(Reservation)
class ReservationAdmin(ReadOnly):
    list_display = ("holder", "accelerator", "bytes", "created")
    list_filter = ("accelerator__host",)
    search_fields = ("holder",)
