"""The catalog: models, builds, licences, benchmarks and evidence. `data/` is the seed; people edit these rows."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

from catalog import schema
from catalog.history import records

slug_rule = RegexValidator(r"^[a-z0-9][a-z0-9._-]*$", "Use lower-case letters, digits, dots, dashes and underscores.")
sha256_rule = RegexValidator(r"^[0-9a-f]{64}$", "A sha256 has 64 hexadecimal digits.")


class Licence(models.Model):
    class Commercial(models.TextChoices):
        YES = "yes", "yes"
        NO = "no", "no"
        CONDITIONS = "conditions", "with conditions"

    id = models.CharField(primary_key=True, max_length=80, validators=[slug_rule])
    name = models.CharField(max_length=200)
    commercial = models.CharField(max_length=10, choices=Commercial.choices)
    conditions = models.TextField(blank=True, help_text="In plain words, what the conditions are.")
    url = models.URLField(blank=True)
    seed_digest = models.CharField(max_length=64, blank=True, editable=False)
    import_digest = models.CharField(max_length=64, blank=True, editable=False)
    history = records()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(commercial__in=["yes", "no", "conditions"]), name="licence_commercial"),
        ]

    def __str__(self) -> str:
        return self.name


class Model(models.Model):
    class Task(models.TextChoices):
        GENERATE = "generate", "text generation"
        EMBEDDING = "embedding", "embedding"
        RERANK = "rerank", "reranking"

    class Status(models.TextChoices):
        ACTIVE = "active", "active"
        SUPERSEDED = "superseded", "superseded"
        HIDDEN = "hidden", "hidden"

    slug = models.CharField(max_length=120, unique=True, validators=[slug_rule])
    name = models.CharField(max_length=200)
    hub_id = models.CharField(max_length=200, unique=True, help_text="organisation/name on the hub")
    organisation = models.CharField(max_length=120)
    family = models.CharField(max_length=120)
    task = models.CharField(max_length=12, choices=Task.choices, default=Task.GENERATE)
    released = models.DateField(null=True, blank=True)
    licence = models.ForeignKey(Licence, null=True, blank=True, on_delete=models.PROTECT, related_name="models")
    parameters_total = models.PositiveBigIntegerField(null=True, blank=True)
    parameters_active = models.PositiveBigIntegerField(null=True, blank=True)
    architecture = models.JSONField(
        null=True, blank=True, help_text="Facts of config.json, see data/schema/architecture.json"
    )
    context_length = models.PositiveIntegerField(null=True, blank=True)
    native_dtype = models.CharField(max_length=40, blank=True)
    input_modalities = models.JSONField(default=list)
    languages = models.JSONField(default=list, blank=True)
    tool_use = models.BooleanField(null=True, blank=True)
    reasoning = models.BooleanField(null=True, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    superseded_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="supersedes"
    )
    ollama_tag = models.CharField(
        max_length=120, blank=True, help_text="name in the Ollama library, where one is known"
    )
    gguf_repos = models.JSONField(default=list, blank=True, help_text="repositories known to hold GGUF builds")
    provenance = models.JSONField(default=dict, blank=True, help_text="field group -> source")
    flags = models.JSONField(default=list, blank=True)
    seed_digest = models.CharField(max_length=64, blank=True, editable=False, help_text="what the importer last wrote")
    import_digest = models.CharField(max_length=64, blank=True, editable=False, help_text="what an import last wrote")
    updated = models.DateTimeField(auto_now=True)
    history = records()

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                condition=Q(parameters_active__isnull=True)
                | Q(parameters_total__isnull=True)
                | Q(parameters_active__lte=F("parameters_total")),
                name="model_active_not_above_total",
                violation_error_message="Active parameters must not be above the total.",
            ),
            models.CheckConstraint(
                condition=Q(parameters_total__isnull=True) | Q(parameters_total__gt=0),
                name="model_parameters",
                violation_error_message="Total parameters must be above zero, or empty when not known.",
            ),
            models.CheckConstraint(
                condition=Q(context_length__isnull=True) | Q(context_length__gt=0),
                name="model_context",
                violation_error_message="Context length must be above zero, or empty when not known.",
            ),
            models.CheckConstraint(
                condition=Q(superseded_by__isnull=True) | ~Q(superseded_by=F("id")),
                name="model_not_its_own_successor",
                violation_error_message="A model cannot be superseded by itself.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Validate JSON fields against data/schema/model.json and architecture.json, and context against the latter."""
        values = {
            name: getattr(self, name) for name in ("input_modalities", "languages", "gguf_repos", "provenance", "flags")
        }
        errors = schema.errors("model", values, partial=True)
        if self.architecture is not None:
            found = schema.sentences("architecture", self.architecture)
            errors |= {"architecture": found} if found else {}
            limit = self.architecture.get("max_ctx") if isinstance(self.architecture, dict) else None
            if isinstance(limit, int) and self.context_length and self.context_length > limit:
                errors["context_length"] = [f"Context length must not be above max_ctx of the architecture, {limit}."]
        if errors:
            raise ValidationError(errors)


class Build(models.Model):
    class Format(models.TextChoices):
        GGUF = "gguf", "GGUF"
        SAFETENSORS = "safetensors", "safetensors"

    class Basis(models.TextChoices):
        EXACT = "exact", "read from the files"
        PUBLISHED = "published", "names, bytes and checksums as published; tensors computed"
        COMPUTED = "computed", "computed from the architecture"

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="builds")
    key = models.CharField(max_length=300, unique=True, help_text="model:quantization[:repository]")
    format = models.CharField(max_length=12, choices=Format.choices)
    quantization = models.CharField(max_length=40)
    repo = models.CharField(max_length=200, blank=True)
    files = models.JSONField(default=list, blank=True, help_text='[{"path", "bytes", "sha256", "revision"}]')
    bytes = models.PositiveBigIntegerField()
    basis = models.CharField(max_length=10, choices=Basis.choices)
    sizes = models.JSONField(null=True, blank=True, help_text="tensor table summary; null when the layout is not known")
    source = models.CharField(max_length=300)
    seed_digest = models.CharField(max_length=64, blank=True, editable=False)
    import_digest = models.CharField(max_length=64, blank=True, editable=False)
    updated = models.DateTimeField(auto_now=True)
    history = records(excluded_fields=["sizes"])  # lists every layer: too large to keep per edit

    class Meta:
        ordering = ["key"]
        constraints = [
            models.CheckConstraint(
                condition=Q(bytes__gt=0), name="build_bytes", violation_error_message="Bytes must be above zero."
            )
        ]

    def __str__(self) -> str:
        return self.key

    def clean(self) -> None:
        """Validate `files` against data/schema/build.json."""
        errors = schema.errors("build", {"files": self.files}, partial=True)
        if self.model_id and self.key and not self.key.startswith(f"{self.model.slug}:"):
            errors["key"] = [f"The key must start with '{self.model.slug}:'."]
        if errors:
            raise ValidationError(errors)


class Benchmark(models.Model):
    """One (name, version, metric); only figures of the same benchmark are comparable."""

    name = models.CharField(max_length=120)
    version = models.CharField(max_length=120, blank=True)
    metric = models.CharField(max_length=120)
    use_case = models.CharField(max_length=20)
    higher_is_better = models.BooleanField(default=True)
    measures = models.CharField(max_length=200, blank=True, help_text="what it measures, in a few words")
    url = models.URLField(blank=True)
    seed_digest = models.CharField(max_length=64, blank=True, editable=False)
    import_digest = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering = ["name", "version", "metric"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version", "metric", "use_case"], name="benchmark_unique"),
        ]

    def __str__(self) -> str:
        return " ".join(x for x in (self.name, self.version, self.metric) if x)

    def clean(self) -> None:
        """Validate `use_case` against data/schema/benchmark.json: one that no question asks for would never count."""
        errors = schema.errors("benchmark", {"use_case": self.use_case}, partial=True)
        if errors:
            raise ValidationError(errors)


class Evidence(models.Model):
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="evidence")
    benchmark = models.ForeignKey(Benchmark, on_delete=models.PROTECT, related_name="evidence")
    value = models.FloatField()
    date = models.DateField(null=True, blank=True)
    variant = models.CharField(max_length=200, blank=True, help_text="name or setting under which the source lists it")
    third_party = models.BooleanField()
    source = models.CharField(max_length=400)
    source_licence = models.CharField(max_length=200, blank=True)
    seed_digest = models.CharField(max_length=64, blank=True, editable=False)
    import_digest = models.CharField(max_length=64, blank=True, editable=False)
    history = records()

    class Meta:
        ordering = ["model_id", "benchmark_id", "-date"]
        verbose_name_plural = "evidence"
        constraints = [
            models.CheckConstraint(
                condition=~Q(source=""),
                name="evidence_has_a_source",
                violation_error_message="Evidence must name its source.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.benchmark}: {self.value:g}"


class EvidenceSource(models.Model):
    """An operator's switch for one source of evidence (`evidence_sources`). A source without a row is on."""

    name = models.CharField(max_length=400, primary_key=True, help_text="repository or site, as on the about page")
    enabled = models.BooleanField(default=False, help_text="whether its results count in the scores")
    history = records()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name}: {'on' if self.enabled else 'off'}"


class CatalogVersion(models.Model):
    """One row: the digest of everything an answer depends on. Writes advance it (version.py), questions read it."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    digest = models.CharField(max_length=64)
    seed = models.CharField(max_length=64, blank=True, help_text="digest of the data folder last loaded")
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="catalog_version_single")]

    def __str__(self) -> str:
        return self.digest


class Withheld(models.Model):
    """A seed row that an administrator deleted, so that the importer does not restore it."""

    table = models.CharField(max_length=20)
    key = models.TextField(help_text="JSON list of the row's key")
    deleted = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["table", "key"]
        verbose_name_plural = "withheld"
        constraints = [models.UniqueConstraint(fields=["table", "key"], name="withheld_once")]

    def __str__(self) -> str:
        return f"{self.table} {self.key}"
