"""Launches and their history, tokens, decisions. `Launch.status` is written only by `advisor.launch.transitions`."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q


class Launch(models.Model):
    """A plan being run. The row is the queue: a lost message delays it and loses nothing."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        DOWNLOADING = "downloading"
        STARTING = "starting"
        READY = "ready"
        UNHEALTHY = "unhealthy"
        STOPPING = "stopping"
        STOPPED = "stopped"
        FAILED = "failed"
        LOST = "lost"

    ACTIVE = ("queued", "downloading", "starting", "ready", "unhealthy", "stopping")
    FINAL = ("stopped", "failed", "lost")

    class Restart(models.TextChoices):
        NO = "no"
        ON_FAILURE = "on-failure"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    host = models.ForeignKey("hardware.Host", on_delete=models.PROTECT, related_name="launches")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.QUEUED, db_index=True)
    reason = models.CharField(max_length=40, null=True, blank=True)
    message = models.TextField(blank=True)
    stop_requested = models.BooleanField(default=False)
    model = models.CharField(max_length=120)
    build = models.CharField(max_length=300)
    engine = models.CharField(max_length=40)
    alias = models.CharField(max_length=160)
    settings = models.JSONField()
    command = models.JSONField(default=list)
    devices = models.JSONField(default=list, help_text="accelerator UUIDs in the engine's order")
    model_path = models.TextField(blank=True)
    predicted = models.JSONField(default=dict)
    measured = models.JSONField(null=True, blank=True)
    decision = models.CharField(max_length=64, blank=True)
    owner = models.CharField(max_length=120, blank=True)
    idempotency_key = models.CharField(max_length=120, null=True, blank=True)
    asked = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="sha256 of the request that its key belongs to"
    )
    # identity of the process, because a pid alone can be reused
    pid = models.PositiveIntegerField(null=True, blank=True)
    start_ticks = models.PositiveBigIntegerField(null=True, blank=True)
    boot_id = models.CharField(max_length=40, blank=True)
    port = models.PositiveIntegerField(null=True, blank=True)
    restart = models.CharField(
        max_length=12,
        choices=Restart.choices,
        default=Restart.NO,
        db_default="no",
        help_text="whether an engine that served is started again when it ends or hangs",
    )
    restarts = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="since it last served for long")
    attempts = models.PositiveSmallIntegerField(default=0)
    troubles = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="steps that raised, one after another"
    )
    watch = models.JSONField(
        default=dict, blank=True, help_text="when the engine last gave a sign of life, by the boot clock"
    )
    started = models.DateTimeField(null=True, blank=True)
    ready_at = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created"]
        verbose_name_plural = "launches"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        *("queued", "downloading", "starting", "ready", "unhealthy"),
                        *("stopping", "stopped", "failed", "lost"),
                    ]
                ),
                name="launch_status",
            ),
            models.UniqueConstraint(fields=["owner", "idempotency_key"], name="one_launch_per_key"),
        ]

    def __str__(self) -> str:
        return f"{self.model} ({self.status})"


class LaunchEvent(models.Model):
    launch = models.ForeignKey(Launch, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    from_status = models.CharField(max_length=12)
    to_status = models.CharField(max_length=12)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.from_status} -> {self.to_status}"


class ApiToken(models.Model):
    """`brt_<key>_<secret>`: the key finds the row, and only a digest of the secret is stored."""

    name = models.CharField(max_length=120)
    key = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    host = models.ForeignKey(
        "hardware.Host", null=True, blank=True, on_delete=models.CASCADE, help_text="agent tokens: own host only"
    )
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(null=True, blank=True)
    revoked = models.DateTimeField(null=True, blank=True)
    last_used = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name


class LocalFile(models.Model):
    """A model file on a host, as `advisor.files.index` found it: one row for all parts of a split one."""

    class Kind(models.TextChoices):
        WEIGHTS = "weights"
        PROJECTOR = "projector"
        DRAFT = "draft"
        ADAPTER = "adapter"

    host = models.ForeignKey("hardware.Host", on_delete=models.CASCADE, related_name="files")
    path = models.TextField(help_text="of the first part")
    origin = models.CharField(max_length=20)
    state = models.CharField(max_length=64, help_text="digest of the parts' sizes and change times")
    parts = models.JSONField(default=list, help_text='[{"path", "bytes", "sha256"}], named as the engine opens them')
    bytes = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.WEIGHTS)
    format = models.CharField(max_length=12, default="gguf")
    complete = models.BooleanField(default=True)
    architecture = models.CharField(max_length=80, blank=True)
    quantization = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=200, blank=True, help_text="as its header states it")
    base = models.CharField(max_length=200, blank=True, help_text="hub id of the model it was made from")
    model = models.CharField(max_length=120, blank=True, help_text="slug, where that is certain")
    build = models.CharField(max_length=300, blank=True, help_text="build of the catalog, or file:<12 hex digits>")
    task = models.CharField(max_length=12, default="generate")
    sizes = models.JSONField(null=True, blank=True)
    problem = models.TextField(blank=True, help_text="why it cannot be launched, one sentence")
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["host", "path"], name="one_row_per_file")]

    def __str__(self) -> str:
        return self.path


class Decision(models.Model):
    """An answered question, kept so that `POST launches/` can refer to the decision and a rank."""

    digest = models.CharField(primary_key=True, max_length=64)
    question = models.JSONField()
    created = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return self.digest


class RankingChange(models.Model):
    """What one admin edit moved on the reference machines. `table` and `record` identify its row in the history."""

    at = models.DateTimeField(auto_now_add=True)
    user = models.CharField(max_length=150)
    what = models.CharField(max_length=300)
    table = models.CharField(max_length=20)
    record = models.BigIntegerField(null=True, blank=True)
    machines = models.JSONField(
        help_text="per machine the first places before and after, see advisor/answers/catalog_impact.py"
    )

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["table", "record"], name="ranking_change_record")]

    def __str__(self) -> str:
        return self.what
