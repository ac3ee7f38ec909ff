"""The advisor's additions to the catalog admin: import from the hub, computed builds, a model's memory on a card."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from django import forms
from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from advisor.admin.model_form import START, ModelForm, sums
from advisor.admin.ranking_preview import Ranked, RankedImport
from advisor.answers.build_preview import preview
from advisor.intake import computed, print_proposal, proposal
from advisor.intake.check import ImportRefused
from advisor.intake.proposal import Proposal
from advisor.question.errors import Invalid
from catalog import admin as catalog_admin
from catalog.hub_http import HubError
from catalog.live_validation import Bound
from catalog.models import Benchmark, Build, Evidence, EvidenceSource, Licence, Model

SALT = "import-from-hub"
PREVIEW_SECONDS = 3600
RIGHTS = ("catalog.add_model", "catalog.change_model", "catalog.add_build", "catalog.change_build")


class HubForm(forms.Form):
    hub_id = forms.CharField(label="Repository", max_length=200, help_text="organisation/name on the hub")
    gguf = forms.CharField(
        label="GGUF repositories",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="One a line: repositories with GGUF builds of this model.",
    )
    overwrite = forms.BooleanField(
        label="Overwrite", required=False, help_text="Also where a row was edited here. Otherwise only gaps are filled."
    )

    def propose(self) -> Proposal:
        gguf = self.cleaned_data["gguf"].split()
        from advisor.intake import from_hub  # noqa: PLC0415  its client of the hub takes 10 MB, in every web process

        return from_hub.propose_from_hub(self.cleaned_data["hub_id"].strip(), gguf=gguf, today=timezone.now().date())


class CardForm(forms.Form):
    hardware = forms.CharField(max_length=400, initial="RTX 4090, 64 GB RAM", help_text="in words")
    context = forms.IntegerField(min_value=128, max_value=1 << 24, initial=8192, help_text="tokens per request")
    concurrency = forms.IntegerField(min_value=1, max_value=1024, initial=1, help_text="requests at once")


class ModelAdmin(RankedImport, catalog_admin.ModelAdmin):
    form = ModelForm
    actions = (*catalog_admin.ModelAdmin.actions, "compute_builds")
    change_form_template = "admin/catalog/model/change_form.html"
    change_list_template = "admin/catalog/model/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("from-hub/", wrap(self.import_from_hub), name="catalog_model_from_hub"),
            path("<int:pk>/memory/", wrap(self.memory), name="catalog_model_memory"),
        ]
        return own + super().get_urls()

    # ------------------------------------------------------------ by hand

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {**START, **super().get_changeform_initial_data(request)}

    def notes(self, found: Bound) -> list[str]:
        return sums(found.row) if not {"architecture", "parameters_total"} & found.by_field.keys() else []

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Add the builds computed from its architecture to a new model without builds, if the editor may add any."""
        super().save_related(request, form, formsets, change)
        model = form.instance
        if (
            not change
            and model.architecture
            and self.has_compute_builds_permission(request)
            and not model.builds.exists()
        ):
            proposal.apply(computed.propose_computed(model.slug, timezone.now().date()))

    def response_add(self, request: HttpRequest, obj: Model, *args: Any, **kwargs: Any) -> HttpResponse:
        count = obj.builds.count()
        if count:
            self.message_user(request, f"{obj} has {count} builds; see its memory on a card.", messages.SUCCESS)
        else:
            self.message_user(request, " ".join(sums(obj)), messages.WARNING)
        return super().response_add(request, obj, *args, **kwargs)

    # ------------------------------------------------------------ import from the hub

    def import_from_hub(self, request: HttpRequest) -> HttpResponse:
        return self.watched(request, lambda: self.imported_from_hub(request))

    def imported_from_hub(self, request: HttpRequest) -> HttpResponse:
        """The import in steps: a form, the difference, then writing exactly what was shown."""
        if not request.user.has_perms(RIGHTS):
            raise PermissionDenied
        if "confirmed" in request.POST:
            return self.confirm(request)
        form = HubForm(request.POST or None)
        if form.is_valid():
            try:
                return self.shown(request, form.propose(), overwrite=form.cleaned_data["overwrite"])
            except (HubError, ImportRefused) as error:
                form.add_error(None, str(error))
        return self.page(request, "from_hub", title="Import from the hub", form=form)

    def shown(self, request: HttpRequest, proposed: Proposal, *, overwrite: bool) -> HttpResponse:
        found = proposal.differences(proposed, overwrite=overwrite)
        rows = [
            {"difference": d, "action": proposal.ACTIONS[d.action], "now": now(d.current), "then": now(d.proposed)}
            for d in found
        ]
        content = signing.dumps([proposed.dumps(), overwrite, seen(found)], salt=SALT, compress=True)
        shown = {
            "title": f"Import {proposed.slug}: nothing is written yet",
            "rows": rows,
            "notes": proposed.notes,
            "content": content,
            "writes": any(difference.action != "keep" for difference in found),
        }
        return self.page(request, "difference", **shown)

    def confirm(self, request: HttpRequest) -> HttpResponse:
        try:
            text, overwrite, digest = signing.loads(request.POST["confirmed"], salt=SALT, max_age=PREVIEW_SECONDS)
        except signing.BadSignature:
            messages.error(request, "The preview is over an hour old or was changed; look again.")
            return HttpResponseRedirect(reverse("admin:catalog_model_from_hub"))
        proposed = Proposal.loads(text)
        if seen(proposal.differences(proposed, overwrite=overwrite)) != digest:
            messages.warning(request, "The catalog has changed since the preview; this is the difference now.")
            return self.shown(request, proposed, overwrite=overwrite)
        try:
            count = proposal.apply(proposed, overwrite=overwrite)
        except ImportRefused as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(reverse("admin:catalog_model_from_hub"))
        messages.success(request, f"{count} rows written.")
        model = Model.objects.get(slug=proposed.slug)
        request.written = model
        return HttpResponseRedirect(reverse("admin:catalog_model_change", args=[model.pk]))

    # ------------------------------------------------------------ builds and memory

    @admin.action(description="Compute builds from the architecture", permissions=["compute_builds"])
    def compute_builds(self, request: HttpRequest, rows: QuerySet[Model]) -> None:
        for model in rows:
            proposed = computed.propose_computed(model.slug, timezone.now().date())
            count = proposal.apply(proposed)
            told = " ".join(proposed.notes) or f"{count} builds written."
            self.message_user(request, f"{model}: {told}", messages.WARNING if proposed.notes else messages.SUCCESS)

    def has_compute_builds_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(RIGHTS[2:])

    def memory(self, request: HttpRequest, pk: int) -> HttpResponse:
        model = get_object_or_404(Model, pk=pk)
        if not self.has_view_permission(request, model):
            raise PermissionDenied
        fields = CardForm.base_fields
        form = CardForm(request.GET or {name: field.initial for name, field in fields.items()})
        rows: list[dict[str, Any]] = []
        if form.is_valid():
            try:
                rows = preview(model.slug, **form.cleaned_data)
            except Invalid as error:
                form.add_error("hardware", [str(e["message"]) for e in error.errors])
        missing = ""
        if not rows and form.is_valid():
            missing = "hidden" if model.status == Model.Status.HIDDEN else "no build"
        shown = {"title": f"Memory of {model}", "form": form, "rows": rows, "model": model, "missing": missing}
        return self.page(request, "memory", **shown)

    def page(self, request: HttpRequest, name: str, **context: Any) -> HttpResponse:
        shared = self.admin_site.each_context(request)
        return TemplateResponse(request, f"admin/catalog/model/{name}.html", {**shared, "opts": self.opts, **context})


def now(value: Any) -> str:
    return "" if value is None else print_proposal.shortened(value)


def seen(found: list[proposal.Difference]) -> str:
    """A digest of a difference, so that what is written is what was reviewed."""
    rows = [[d.table, d.key, d.field, d.current, d.proposed, d.action] for d in found]
    return hashlib.sha256(orjson.dumps(rows, option=orjson.OPT_SORT_KEYS)).hexdigest()


class BuildAdmin(Ranked, catalog_admin.BuildAdmin):
    pass


class EvidenceAdmin(RankedImport, catalog_admin.EvidenceAdmin):
    pass


class BenchmarkAdmin(Ranked, catalog_admin.BenchmarkAdmin):
    pass


class LicenceAdmin(Ranked, catalog_admin.LicenceAdmin):
    pass


class EvidenceSourceAdmin(Ranked, catalog_admin.EvidenceSourceAdmin):
    pass


ADMINS = {
    Model: ModelAdmin,
    Build: BuildAdmin,
    Evidence: EvidenceAdmin,
    Benchmark: BenchmarkAdmin,
    Licence: LicenceAdmin,
    EvidenceSource: EvidenceSourceAdmin,
}


def register() -> None:
    """Replace the catalog's own admins, which do not know the advisor."""
    for table, admin_class in ADMINS.items():
        admin.site.unregister(table)
        admin.site.register(table, admin_class)
