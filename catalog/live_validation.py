"""Live validation in the admin: the errors that saving a row would give, shown while it is edited."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms.formsets import all_valid
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST


class LiveForm(forms.ModelForm):  # type: ignore[type-arg]
    """Gives every field an element for its errors, which screen readers read as part of the field's help."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, one in self.fields.items():
            alone = "" if one.help_text else " alone"
            one.help_text = format_html(
                '{} <span class="live{}" id="live-{}"></span>', one.help_text or "", alone, self.add_prefix(name)
            )


@dataclass
class Bound:
    """A posted change form with its inlines, bound but not saved. `row` has the values of the form."""

    form: Any
    formsets: list[Any]
    row: models.Model
    valid: bool
    missing: list[str] = field(default_factory=list)  # labels of required fields that are still empty
    by_field: dict[str, list[str]] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)  # errors of the row as a whole, and of inlines


def _sentences(form: Any, errors: Any) -> Iterator[tuple[str, str, bool]]:
    """(field, sentence, whether the field is merely still empty) for each error."""
    for name, found in errors.as_data().items():
        label = "" if name == "__all__" else str(form.fields[name].label or name)
        for error in found:
            yield label if error.code == "required" else name, " ".join(error.messages), error.code == "required"


class LiveAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Adds a `check/` URL to the change form: the errors that saving it now would give. Writes nothing."""

    form = LiveForm
    # Silences Django's deprecation warning about URLs without a scheme, which it will stop reading as http.
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    def get_urls(self) -> list[URLPattern]:
        names = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view(require_POST(self.check_view))  # anonymous users are asked to sign in first
        return [
            path("add/check/", view, name=f"{names}_add_check"),
            path("<path:object_id>/change/check/", view, name=f"{names}_change_check"),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        context["live"] = self.live_addresses(obj) if self.may_write(request, obj) else {}
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def live_addresses(self, row: models.Model | None) -> dict[str, str]:
        return {"check": self.live_address("check", row)}

    def live_address(self, what: str, row: models.Model | None) -> str:
        names = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        return reverse(f"{names}_change_{what}", args=[row.pk]) if row else reverse(f"{names}_add_{what}")

    def may_write(self, request: HttpRequest, row: models.Model | None) -> bool:
        return self.has_change_permission(request, row) if row else self.has_add_permission(request)

    def bound(self, request: HttpRequest, object_id: str | None) -> Bound:
        """The posted form as the change page would read it. Raises PermissionDenied or Http404."""
        row = self.get_object(request, unquote(object_id)) if object_id else None
        if object_id and row is None:
            raise Http404
        if not self.may_write(request, row):
            raise PermissionDenied
        form = self.get_form(request, row, change=row is not None)(request.POST, request.FILES, instance=row)
        valid = form.is_valid()
        made = self.save_form(request, form, change=row is not None) if valid else form.instance
        formsets, _ = self._create_formsets(request, made, change=row is not None)
        found = Bound(form, formsets, made, all_valid(formsets) and valid)
        for name, sentence, empty in _sentences(form, form.errors):
            if empty:
                found.missing.append(name)
            elif name == "__all__":
                found.others.append(sentence)
            else:
                found.by_field.setdefault(name, []).append(sentence)
        for formset in formsets:
            kind = str(formset.model._meta.verbose_name)
            found.others += [str(sentence) for sentence in formset.non_form_errors()]
            for number, one in enumerate(formset.forms, start=1):
                for name, sentence, empty in _sentences(one, one.errors):
                    where = f"{kind} {number}: {name}" if name != "__all__" else f"{kind} {number}"
                    (found.missing if empty else found.others).append(where if empty else f"{where}: {sentence}")
        return found

    def check_view(self, request: HttpRequest, object_id: str | None = None) -> HttpResponse:
        return TemplateResponse(request, "admin/catalog/live.html", self.complaints(self.bound(request, object_id)))

    def complaints(self, found: Bound) -> dict[str, Any]:
        """The context of `admin/catalog/live.html`: sentences by field, the other errors, and the notes."""
        fields = [{"bound": found.form[name], "sentences": found.by_field.get(name)} for name in found.form.fields]
        return {"found": found, "fields": fields, "notes": self.notes(found)}

    def notes(self, found: Bound) -> list[str]:
        """Hook for further remarks on the row as it is edited."""
        return []
