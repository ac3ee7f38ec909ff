"""The seed into the database, three-way: what the seed says, what it said last time, what the row says now.

A row that differs from what the importer last wrote was edited here. It is kept and named, never overwritten
silently; `overwrite` takes the seed's. A second run on the same seed is one query and one digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import orjson
from django.db import models, transaction
from django.utils import timezone

from catalog import seed, version
from catalog.models import Benchmark, Build, CatalogVersion, Evidence, Licence, Model, Withheld

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Table:
    """What the seed states of one kind of row, as ORM paths; `gone` is what befalls a row that it no longer states."""

    model: type[models.Model]
    fields: tuple[str, ...]
    gone: str = "stay"  # stay | hide | delete

    @property
    def name(self) -> str:
        return self.model.__name__

    @property
    def key(self) -> tuple[str, ...]:
        return version.KEYS[self.model]

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.key, *(name for name in self.fields if name not in self.key))


LICENCE = Table(Licence, ("name", "commercial", "conditions", "url"))
BENCHMARK = Table(Benchmark, ("higher_is_better", "measures", "url"))
MODEL = Table(
    Model,
    (
        *("name", "hub_id", "organisation", "family", "task", "status", "released", "licence_id"),
        *("parameters_total", "parameters_active", "context_length", "native_dtype", "input_modalities", "languages"),
        *("tool_use", "reasoning", "superseded_by__slug", "ollama_tag", "gguf_repos", "architecture"),
        *("flags", "provenance"),
    ),
    gone="hide",
)
BUILD = Table(
    Build,
    ("model__slug", "format", "quantization", "repo", "files", "bytes", "basis", "sizes", "source"),
    gone="delete",
)
EVIDENCE = Table(Evidence, ("value", "third_party", "source_licence"), gone="delete")
TABLES = (LICENCE, BENCHMARK, MODEL, BUILD, EVIDENCE)  # what others point at comes first


@dataclass
class Count:
    """What became of the rows of one table; `kept` names the rows that were edited here."""

    seen: int = 0
    created: int = 0
    updated: int = 0
    gone: int = 0
    kept: list[str] = field(default_factory=list)
    withheld: int = 0


@dataclass
class Report:
    unchanged: bool = False
    counts: dict[str, Count] = field(default_factory=dict)


def row_digest(values: Iterable[Any]) -> str:
    """Of the values of a table's columns in order, whether they come from a file or from the database."""
    return hashlib.sha256(orjson.dumps(list(values), option=orjson.OPT_SORT_KEYS)).hexdigest()


def table_of(row: models.Model) -> Table:
    return next(table for table in TABLES if isinstance(row, table.model))


def stored_digest(row: models.Model) -> str:
    """Of what the database holds of a row now."""
    table = table_of(row)
    return row_digest(map(plain, table.model._default_manager.filter(pk=row.pk).values_list(*table.columns).get()))


def origin(row: Any) -> str:
    """Where a row stands towards the seed and imports: as shipped, imported, edited here or added here."""
    digest = stored_digest(row)
    if digest == row.seed_digest:
        return "as shipped"
    if digest == row.import_digest:
        return "imported"
    return "edited here" if row.seed_digest or row.import_digest else "added here"


def mark_imported(row: Any) -> None:
    """Remember what an import has just written, so that the next one knows a person's edit from its own."""
    type(row)._default_manager.filter(pk=row.pk).update(import_digest=stored_digest(row))


def load(folder: Path = seed.DATA, *, overwrite: bool = False) -> Report:
    """Bring the database to the seed. Raises SeedError for a folder that cannot be read."""
    fingerprint = seed.digest(folder)
    if not overwrite and CatalogVersion.objects.filter(seed=fingerprint).exists():
        return Report(unchanged=True)
    all_models = list(seed.models(folder))
    found = {
        LICENCE: seed.licences(folder),
        BENCHMARK: seed.benchmarks(folder),
        MODEL: [_model_row(row) for row in all_models],
        BUILD: seed.builds(folder),
        EVIDENCE: seed.evidence(all_models),
    }
    report = Report()
    with transaction.atomic():
        before = CatalogVersion.objects.select_for_update().first()
        if overwrite:
            Withheld.objects.all().delete()
        parents: dict[str, dict[Key, Any]] = {}
        for table, rows in found.items():
            report.counts[table.name] = _Sync(table, rows, parents, overwrite).run()
        digest = version.advance(fingerprint, overwrite) if before else fingerprint
        CatalogVersion.objects.update_or_create(id=1, defaults={"digest": digest, "seed": fingerprint})
    return report


def _model_row(row: seed.Row) -> seed.Row:
    return row | {"licence_id": row["licence"], "superseded_by__slug": row["superseded_by"]}


class _Sync:
    """One table. `parents` holds the primary keys of the tables done before, by name and key."""

    def __init__(
        self, table: Table, rows: Iterable[seed.Row], parents: dict[str, dict[Key, Any]], overwrite: bool
    ) -> None:
        self.table, self.parents, self.overwrite = table, parents, overwrite
        self.objects = table.model._default_manager
        self.seed = {tuple(row[name] for name in table.key): row for row in rows}
        self.stored = {
            tuple(plain(value) for value in key): (pk, digest)
            for pk, digest, *key in self.objects.values_list("pk", "seed_digest", *table.key)
        }
        self.count = Count(seen=len(self.seed))
        self.written: list[Key] = []

    def run(self) -> Count:
        withheld = set(Withheld.objects.filter(table=self.table.name).values_list("key", flat=True))
        fresh, changed = [], {}
        for key, row in self.seed.items():
            digest = row_digest(row[name] for name in self.table.columns)
            if key in self.stored:
                if self.overwrite or self.stored[key][1] != digest:
                    changed[key] = digest
            elif withheld and orjson.dumps(list(key)).decode() in withheld:
                self.count.withheld += 1
            elif self._has_parents(row):
                self.written.append(key)
                fresh.append(self._instance(row, digest))
        self.objects.bulk_create(fresh)
        self.count.created = len(fresh)
        self._update(changed)
        self._retire([key for key, (_, digest) in self.stored.items() if digest and key not in self.seed])
        self._remember()
        return self.count

    def _has_parents(self, row: seed.Row) -> bool:
        """False for what hangs on a model that is withheld."""
        return "model__slug" not in row or (row["model__slug"],) in self.parents["Model"]

    def _instance(self, row: seed.Row, digest: str, pk: Any = None) -> models.Model:
        values: dict[str, Any] = {"seed_digest": digest}
        for name in self.table.columns:
            if "__" not in name:
                values[name] = row[name]
        if "model__slug" in row:
            values["model_id"] = self.parents["Model"][(row["model__slug"],)]
        if self.table is EVIDENCE:
            values["benchmark_id"] = self.parents["Benchmark"][tuple(row[n] for n in version.KEYS[Evidence][1:5])]
        return self.table.model(**values) if pk is None else self.table.model(pk=pk, **values)

    def _current(self, keys: Iterable[Key]) -> dict[Key, str]:
        pks = {self.stored[key][0]: key for key in keys}
        return {
            pks[pk]: row_digest(plain(value) for value in values)
            for pk, *values in self.objects.filter(pk__in=list(pks)).values_list("pk", *self.table.columns)
        }

    def _update(self, changed: dict[Key, str]) -> None:
        current = self._current(changed)
        rows = []
        for key, digest in changed.items():
            pk, last = self.stored[key]
            if current[key] not in (last, digest) and not self.overwrite:
                self.count.kept.append(" ".join(str(part) for part in key if part))
            elif current[key] != digest or last != digest:
                self.written.append(key)
                rows.append(self._instance(self.seed[key], digest, pk))
        names = [
            f.name for f in self.table.model._meta.concrete_fields if not f.primary_key and f.name != "superseded_by"
        ]
        for row in rows:
            row.updated = timezone.now()  # type: ignore[attr-defined] # bulk_update does not set auto_now
        self.objects.bulk_update(rows, names, batch_size=200)
        self.count.updated = len(rows)

    def _retire(self, keys: list[Key]) -> None:
        current = self._current(keys) if self.table.gone != "stay" else {}
        mine = [self.stored[key][0] for key, digest in current.items() if digest == self.stored[key][1]]
        self.count.kept += [
            " ".join(str(part) for part in key if part) for key in current if self.stored[key][0] not in mine
        ]
        rows = self.objects.filter(pk__in=mine)
        if self.table.gone == "hide":
            rows.update(status=Model.Status.HIDDEN, seed_digest="")
        elif self.table.gone == "delete":
            rows.update(seed_digest="")  # so that the deletion does not read as an administrator's
            rows.delete()
        self.count.gone = len(mine)

    def _remember(self) -> None:
        """Primary keys for the tables that follow; successors once every model has one."""
        self.parents[self.table.name] = {tuple(key): pk for pk, *key in self.objects.values_list("pk", *self.table.key)}
        if self.table is MODEL:
            self._link_successors(self.parents["Model"])

    def _link_successors(self, pks: dict[Key, Any]) -> None:
        """Only of rows written just now: an administrator's successor is an edit like any other."""
        successors = {pks[key]: pks.get((self.seed[key]["superseded_by__slug"],)) for key in self.written}
        linked = [Model(pk=pk, superseded_by_id=successor) for pk, successor in successors.items()]
        Model.objects.bulk_update(linked, ["superseded_by"], batch_size=500)


def plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
