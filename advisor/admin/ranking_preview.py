"""The effect of a catalog edit on the rankings: previewed before saving, reported after, and kept in the history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.views.decorators.http import require_POST

from advisor.answers import catalog_impact
from advisor.fit.ranking.rank import Index
from advisor.models import RankingChange
from advisor.selectors.catalog import catalog_index, load_catalog
from catalog import version
from catalog.live_validation import LiveAdmin
from catalog.models import Build, Evidence, Model

Act = Callable[[], HttpResponse]


def subjects(row: Any) -> list[str]:
    """Slugs of the models that a catalog row belongs to."""
    if isinstance(row, Model):
        return [row.slug]
    return [row.model.slug] if isinstance(row, Build | Evidence) else []


class Ranked(LiveAdmin):
    """A catalog admin that reports after every write what it moved on the reference machines."""

    history_list_display = ("rankings",)

    # ------------------------------------------------------------ after

    def watched(self, request: HttpRequest, act: Act) -> HttpResponse:
        """Run `act`; if it changed the catalog, record and report the changes in the rankings."""
        if request.method != "POST":
            return act()
        before = catalog_index()
        response = act()
        after = catalog_index()
        if after.catalog.version != before.catalog.version:
            change = self.kept_change(request, before, after)
            address = reverse("admin:advisor_rankingchange_change", args=[change.pk])
            told = format_html_join("", " {}.", ((catalog_impact.sentence(m),) for m in change.machines))
            messages.info(request, format_html('<a href="{}">Rankings</a>:{}', address, told))
        return response

    def kept_change(self, request: HttpRequest, before: Index, after: Index) -> RankingChange:
        row, deleted = getattr(request, "written", None), getattr(request, "deleted", "")
        history = row.history.first() if row is not None and hasattr(row, "history") else None
        names = self.opts.verbose_name, self.opts.verbose_name_plural
        what = f"{names[0]} {row}" if row is not None else f"deleted: {deleted}" if deleted else f"several {names[1]}"
        return RankingChange.objects.create(
            user=request.user.get_username(),
            what=capfirst(what)[:300],
            table=self.opts.object_name,
            record=history.pk if history else None,
            machines=catalog_impact.standings_compared(before, after, subjects(row)),
        )

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        request.deleted = ", ".join(map(str, queryset))  # type: ignore[attr-defined]
        return super().log_deletions(request, queryset)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        request.written = obj  # type: ignore[attr-defined]
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        request.written = obj  # type: ignore[attr-defined]
        return super().log_change(request, obj, message)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.watched(request, lambda: super(Ranked, self).changeform_view(request, *args, **kwargs))

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.watched(request, lambda: super(Ranked, self).delete_view(request, *args, **kwargs))

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.watched(request, lambda: super(Ranked, self).changelist_view(request, *args, **kwargs))

    def rankings(self, record: Any) -> SafeString | str:
        """The history's column for what the recorded edit moved."""
        change = RankingChange.objects.filter(table=self.opts.object_name, record=record.pk).first()
        if change is None:
            return ""
        lines = format_html_join("", "<br>{}", ((catalog_impact.sentence(machine),) for machine in change.machines))
        address = reverse("admin:advisor_rankingchange_change", args=[change.pk])
        return format_html('<a href="{}">before and after</a>{}', address, lines)

    # ------------------------------------------------------------ before

    def get_urls(self) -> list[URLPattern]:
        names = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view(require_POST(self.preview_view))
        return [
            path("add/preview/", view, name=f"{names}_add_preview"),
            path("<path:object_id>/change/preview/", view, name=f"{names}_change_preview"),
            *super().get_urls(),
        ]

    def live_addresses(self, row: Any) -> dict[str, str]:
        return {**super().live_addresses(row), "preview": self.live_address("preview", row)}

    def preview_view(self, request: HttpRequest, object_id: str | None = None) -> HttpResponse:
        """Save, rank, roll back. A form that cannot be saved shows its errors instead."""
        found, before = self.bound(request, object_id), catalog_index()
        machines = None
        if found.valid:
            with transaction.atomic():
                self.save_model(request, found.row, found.form, object_id is not None)
                self.save_related(request, found.form, found.formsets, object_id is not None)
                after = Index.of(load_catalog(version.current()))
                transaction.set_rollback(True)
            machines = catalog_impact.standings_compared(before, after, subjects(found.row))
        return TemplateResponse(
            request,
            "admin/catalog/preview_part.html" if request.htmx else "admin/catalog/preview.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": "What this edit would change",
                **self.complaints(found),
                "machines": machines,
            },
        )


class RankedImport(Ranked):
    """For a table that can also be imported from files."""

    def process_import(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.watched(request, lambda: super(RankedImport, self).process_import(request, *args, **kwargs))
