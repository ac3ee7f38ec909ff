"""Loads the seed into the database by a three-way merge: the seed now, the seed at the last load, and the row.

A row that differs from what the importer last wrote was edited here. It is kept and reported, never overwritten
silently; `overwrite` takes the seed's version. A second run on the same seed is one query and one digest.

`merge` brings in rows from elsewhere by the same rule. It removes nothing, and remembers what it wrote separately from
what the seed wrote: the next seed treats such a row as an administrator's edit, the next import as its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import models, transaction

from catalog import seed, version
from catalog.models import CatalogVersion, Withheld
from catalog.three_way import (
    BENCHMARK,
    BUILD,
    EVIDENCE,
    LICENCE,
    MODEL,
    TABLES,
    Count,
    Key,
    Rows,
    Sync,
    Table,
    plain,
    row_digest,
)


@dataclass
class Report:
    unchanged: bool = False
    counts: dict[str, Count] = field(default_factory=dict)


def table_of(row: models.Model) -> Table:
    return next(table for table in TABLES if isinstance(row, table.model))


def stored_digest(row: models.Model) -> str:
    """The digest of a row as the database holds it now."""
    table = table_of(row)
    return row_digest(map(plain, table.model._default_manager.filter(pk=row.pk).values_list(*table.columns).get()))


def row_origin(row: Any) -> str:
    """The state of a row relative to the seed and imports: as shipped, imported, edited here or added here."""
    digest = stored_digest(row)
    if digest == row.seed_digest:
        return "as shipped"
    if digest == row.import_digest:
        return "imported"
    return "edited here" if row.seed_digest or row.import_digest else "added here"


def mark_imported(row: Any) -> None:
    """Record what an import has just written, so that the next one can tell a person's edit from its own."""
    type(row)._default_manager.filter(pk=row.pk).update(import_digest=stored_digest(row))


def load(folder: Path = seed.DATA, *, overwrite: bool = False) -> Report:
    """Bring the database up to the seed. Raises SeedError for a folder that cannot be read."""
    fingerprint = seed.digest(folder)
    if not overwrite and CatalogVersion.objects.filter(seed=fingerprint).exists():
        return Report(unchanged=True)
    found = rows_of(folder)
    report = Report()
    with transaction.atomic():
        before = CatalogVersion.objects.select_for_update().first()
        if overwrite:
            Withheld.objects.all().delete()
        parents: dict[str, dict[Key, Any]] = {}
        for table, rows in found.items():
            report.counts[table.name] = Sync(table, rows, parents, overwrite).run()
        digest = version.advance(fingerprint, overwrite) if before else fingerprint
        CatalogVersion.objects.update_or_create(id=1, defaults={"digest": digest, "seed": fingerprint})
    return report


def merge(found: Rows, *, reason: str, overwrite: bool = False, write: bool = False) -> Report:
    """Merge rows into the existing ones; without `write` only count what would become of them.

    `reason` is kept in the history of every row written.
    """
    report = Report()
    with transaction.atomic():
        parents: dict[str, dict[Key, Any]] = {}
        for table in TABLES:
            sync = Sync(table, found.get(table, ()), parents, overwrite, reason=reason)
            report.counts[table.name] = sync.run()
        changed = any(count.created or count.updated for count in report.counts.values())
        if write and changed:
            version.advance("merged", reason, [[row_digest(row.values()) for row in rows] for rows in found.values()])
        if not write:
            transaction.set_rollback(True)
    report.unchanged = not changed
    return report


def rows_of(folder: Path) -> Rows:
    """A data folder as rows by table, in dependency order. Raises SeedError."""
    models = list(seed.models(folder))
    return {
        LICENCE: list(seed.licences(folder)),
        BENCHMARK: list(seed.benchmarks(folder)),
        MODEL: [_model_row(row) for row in models],
        BUILD: list(seed.builds(folder)),
        EVIDENCE: list(seed.seed_evidence(models)),
    }


def _model_row(row: seed.Row) -> seed.Row:
    return row | {"licence_id": row["licence"], "superseded_by__slug": row["superseded_by"]}
