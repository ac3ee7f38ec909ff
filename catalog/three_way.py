"""Three-way merge of outside rows into one table: the rule, and the columns and keys of each table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import orjson
from django.db import models
from django.utils import timezone

from catalog import seed, version
from catalog.models import Benchmark, Build, Evidence, Licence, Model, Withheld

DIGESTS = ("seed_digest", "import_digest")
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Table:
    """The columns that the seed states of one model, as ORM paths; `gone`: the fate of a row it no longer has."""

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
TABLES = (LICENCE, BENCHMARK, MODEL, BUILD, EVIDENCE)  # referenced tables first
Rows = dict[Table, list[seed.Row]]


@dataclass
class Count:
    """The outcome for one table; `kept` names the rows left alone because they were edited here."""

    seen: int = 0
    created: int = 0
    updated: int = 0
    gone: int = 0
    names: list[str] = field(default_factory=list)  # rows created and updated
    kept: list[str] = field(default_factory=list)
    withheld: int = 0


class Stored(NamedTuple):
    """A database row's primary key, and digests of what the seed and an import last wrote to it."""

    pk: Any
    shipped: str
    imported: str


def row_digest(values: Iterable[Any]) -> str:
    """The digest of a table's column values in order, whether they come from a file or from the database."""
    return hashlib.sha256(orjson.dumps(list(values), option=orjson.OPT_SORT_KEYS)).hexdigest()


class Sync:
    """The merge of one table. `parents` holds the primary keys of the tables merged before, by table name and key.

    With a `reason` the rows come from an import, without one from the seed.
    """

    def __init__(
        self,
        table: Table,
        rows: Iterable[seed.Row],
        parents: dict[str, dict[Key, Any]],
        overwrite: bool,
        *,
        reason: str = "",
    ) -> None:
        self.table, self.parents, self.overwrite, self.reason = table, parents, overwrite, reason
        self.objects = table.model._default_manager
        self.seed = {tuple(row[name] for name in table.key): row for row in rows}
        self.stored = {
            tuple(plain(value) for value in key): Stored(pk, shipped, imported)
            for pk, shipped, imported, *key in self.objects.values_list("pk", *DIGESTS, *table.key)
        }
        self.count = Count(seen=len(self.seed))
        self.written: list[Key] = []

    def run(self) -> Count:
        withheld = set(Withheld.objects.filter(table=self.table.name).values_list("key", flat=True))
        if self.reason and self.overwrite:
            withheld = set()
        fresh, changed = [], {}
        for key, row in self.seed.items():
            digest = row_digest(row[name] for name in self.table.columns)
            if key in self.stored:
                if self.overwrite or self.reason or self.stored[key].shipped != digest:
                    changed[key] = digest
            elif withheld and orjson.dumps(list(key)).decode() in withheld:
                self.count.withheld += 1
            elif self._has_parents(row):
                self.written.append(key)
                fresh.append(self._instance(row, digest))
        self.objects.bulk_create(fresh)
        self._trace(fresh, update=False)
        self.count.created = len(fresh)
        self.count.names += [f"new: {_named(key)}" for key in self.written]
        self._update(changed)
        if not self.reason:
            self._retire([key for key, row in self.stored.items() if row.shipped and key not in self.seed])
        self._remember()
        return self.count

    def _has_parents(self, row: seed.Row) -> bool:
        """False for a row whose model is withheld."""
        return "model__slug" not in row or (row["model__slug"],) in self.parents["Model"]

    def _instance(self, row: seed.Row, digest: str, stored: Stored | None = None) -> models.Model:
        values: dict[str, Any] = {"import_digest" if self.reason else "seed_digest": digest}
        if stored:
            kept = {"seed_digest": stored.shipped, "import_digest": stored.imported}
            values = {"pk": stored.pk} | kept | values
        for name in self.table.columns:
            if "__" not in name:
                values[name] = row[name]
        if "model__slug" in row:
            values["model_id"] = self.parents["Model"][(row["model__slug"],)]
        if self.table is EVIDENCE:
            values["benchmark_id"] = self.parents["Benchmark"][tuple(row[n] for n in version.KEYS[Evidence][1:5])]
        return self.table.model(**values)

    def _current(self, keys: Iterable[Key]) -> dict[Key, str]:
        pks = {self.stored[key].pk: key for key in keys}
        return {
            pks[pk]: row_digest(plain(value) for value in values)
            for pk, *values in self.objects.filter(pk__in=list(pks)).values_list("pk", *self.table.columns)
        }

    def _update(self, changed: dict[Key, str]) -> None:
        current = self._current(changed)
        rows = []
        for key, digest in changed.items():
            row = self.stored[key]
            last = row.imported if self.reason else row.shipped
            if current[key] == digest == last or (self.reason and current[key] == digest):
                continue
            yielding = (row.shipped, row.imported) if self.reason else (row.shipped,)
            if current[key] not in (*yielding, digest) and not self.overwrite:
                self.count.kept.append(_named(key))
                continue
            self.written.append(key)
            self.count.names.append(f"changed: {_named(key)}")
            rows.append(self._instance(self.seed[key], digest, row))
        names = [
            f.name for f in self.table.model._meta.concrete_fields if not f.primary_key and f.name != "superseded_by"
        ]
        for row in rows:
            row.updated = timezone.now()  # type: ignore[attr-defined] # bulk_update does not set auto_now
        self.objects.bulk_update(rows, names, batch_size=200)
        self._trace(rows, update=True)
        self.count.updated = len(rows)

    def _retire(self, keys: list[Key]) -> None:
        current = self._current(keys) if self.table.gone != "stay" else {}
        mine = [self.stored[key].pk for key, digest in current.items() if digest == self.stored[key].shipped]
        self.count.kept += [_named(key) for key in current if self.stored[key].pk not in mine]
        rows = self.objects.filter(pk__in=mine)
        if self.table.gone == "hide":
            rows.update(status=Model.Status.HIDDEN, seed_digest="")
        elif self.table.gone == "delete":
            rows.update(seed_digest="")  # so that the deletion does not count as an administrator's
            rows.delete()
        self.count.gone = len(mine)

    def _trace(self, rows: list[models.Model], *, update: bool) -> None:
        """Bulk writes leave no history of their own; an import has an author and leaves one."""
        if self.reason and rows and hasattr(self.table.model, "history"):
            self.table.model.history.bulk_history_create(
                rows, update=update, default_change_reason=self.reason[:100], batch_size=200
            )

    def _remember(self) -> None:
        """Keep primary keys for the tables that follow; link successors once every model has a key."""
        self.parents[self.table.name] = {tuple(key): pk for pk, *key in self.objects.values_list("pk", *self.table.key)}
        if self.table is MODEL:
            self._link_successors(self.parents["Model"])

    def _link_successors(self, pks: dict[Key, Any]) -> None:
        """Link only rows written just now: an administrator's change of a successor is an edit like any other."""
        successors = {pks[key]: pks.get((self.seed[key]["superseded_by__slug"],)) for key in self.written}
        linked = [Model(pk=pk, superseded_by_id=successor) for pk, successor in successors.items()]
        Model.objects.bulk_update(linked, ["superseded_by"], batch_size=500)


def _named(key: Key) -> str:
    return " ".join(str(part) for part in key if part)


def plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
