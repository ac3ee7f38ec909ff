"""Admin of launches (view and stop) and tokens (view and revoke).

Both are created elsewhere, by requests and by `manage.py token`.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from advisor.launch.transitions import stop_launch
from advisor.models import ApiToken, Launch, LaunchEvent, RankingChange


class ReadOnly:
    """Makes every form field read-only."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class EventInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = LaunchEvent
    extra = 0
    fields = readonly_fields = ("at", "from_status", "to_status", "note")


@admin.register(Launch)
class LaunchAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("model", "status", "reason", "host", "engine", "owner", "created", "ready_at")
    list_filter = ("status", "host", "engine", "reason")
    search_fields = ("id", "model", "build", "owner")
    date_hierarchy = "created"
    inlines = (EventInline,)
    actions = ("stop",)

    @admin.action(description="Stop the selected launches", permissions=["stop"])
    def stop(self, request: HttpRequest, queryset: QuerySet[Launch]) -> None:
        for launch in queryset.filter(status__in=Launch.ACTIVE):
            stop_launch(launch.pk)
            self.message_user(request, f"Asked {launch.model} to stop.", messages.SUCCESS)

    def has_stop_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("advisor.change_launch")


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "key", "scopes", "host", "created", "expires", "revoked", "last_used")
    search_fields = ("name", "key")
    exclude = ("digest",)
    actions = ("revoke",)

    @admin.action(description="Revoke the selected tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        count = queryset.filter(revoked=None).update(revoked=timezone.now())
        self.message_user(request, f"{count} revoked.", messages.SUCCESS)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("advisor.change_apitoken")


@admin.register(RankingChange)
class RankingChangeAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Visible to those who may view the catalog's models."""

    list_display = ("at", "user", "what")
    search_fields = ("user", "what")
    date_hierarchy = "at"
    fields = ("at", "user", "what")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("catalog.view_model") or request.user.has_perm("catalog.change_model")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)
