"""The difference an import would make to the catalog, to be reviewed before it is written.

A three-way merge, as in the seed's importer: a row is updated while it is as shipped or as the last import left it. A
row that was edited here keeps its values, and only its gaps are filled, unless `overwrite` is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.db import models, transaction

from advisor.intake.check import ImportRefused
from catalog import importer, three_way
from catalog.models import Model, Withheld

ACTIONS = {"new": "new", "fill": "fills a gap", "change": "changes", "keep": "kept as edited here"}
EMPTY = (None, "", [], {})
PROVENANCE = {"licence_id": "licence", "architecture": "architecture"}  # column -> field group of Model.provenance
BUILD_COLUMNS = tuple(name for name in three_way.BUILD.columns if name != "key")


@dataclass(frozen=True, slots=True)
class Difference:
    """One field: its current and proposed value, and the action taken (a key of ACTIONS)."""

    table: str
    key: str
    field: str
    current: Any
    proposed: Any
    source: str
    action: str


@dataclass
class Proposal:
    """Columns of one model and of its builds, as in `three_way.TABLES`; `sources` by column."""

    slug: str
    today: date
    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    builds: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    confidence: str = ""

    def say(self, source: str, **values: Any) -> None:
        """Set fields together with their source; None values are ignored."""
        for name, value in values.items():
            if value is not None:
                self.values[name] = value
                self.sources[name] = f"{source}, {self.today.isoformat()}"

    def model(self) -> dict[str, Any]:
        """The model as the seed would state it after the import: proposed values over stored ones."""
        stored = _stored(three_way.MODEL, self.slug) or {}
        defaults = {"gguf_repos": [], "flags": [], "input_modalities": ["text"], "native_dtype": "", "slug": self.slug}
        return {**dict.fromkeys(three_way.MODEL.columns), **defaults, **stored, **self.values}

    def is_exact(self, key: str) -> bool:
        """Whether the catalog holds this build as read from its files."""
        return (_stored(three_way.BUILD, key) or {}).get("basis") == "exact"

    def checksums(self, key: str) -> set[str]:
        """The sha256 of the files that the catalog knows of this build."""
        files = (_stored(three_way.BUILD, key) or {}).get("files") or []
        return {file["sha256"] for file in files if file["sha256"]}

    def dumps(self) -> str:
        return orjson.dumps({**self.__dict__, "today": self.today.isoformat()}).decode()

    @staticmethod
    def loads(text: str) -> Proposal:
        content = orjson.loads(text)
        return Proposal(**{**content, "today": date.fromisoformat(content["today"])})


def _stored(table: three_way.Table, key: str) -> dict[str, Any] | None:
    """The database's values of a row by column, or None if there is no such row."""
    rows = table.model._default_manager.filter(**{table.key[0]: key}).values(*table.columns)
    row = rows.first()
    return {name: three_way.plain(value) for name, value in row.items()} if row else None


def differences(proposal: Proposal, *, overwrite: bool = False) -> list[Difference]:
    """Every field that the import would change, or would change but for an edit. Two queries a row."""
    found = []
    if proposal.values:
        found += _compare(three_way.MODEL, proposal.slug, proposal.values, proposal.sources, overwrite)
    for build in proposal.builds:
        columns = {name: build[name] for name in BUILD_COLUMNS}
        found += _compare(three_way.BUILD, build["key"], columns, dict.fromkeys(columns, build["source"]), overwrite)
    return found


def _compare(
    table: three_way.Table, key: str, values: dict[str, Any], sources: dict[str, str], overwrite: bool
) -> list[Difference]:
    row = _row(table, key)
    if row is None:
        withheld = Withheld.objects.filter(table=table.name, key=orjson.dumps([key]).decode()).exists()
        action = "keep" if withheld and not overwrite else "new"
        return [
            Difference(table.name, key, n, None, v, sources[n], action) for n, v in values.items() if v not in EMPTY
        ]
    current = _stored(table, key) or {}
    yielding = overwrite or importer.row_origin(row) in ("as shipped", "imported")
    found = []
    for name, value in values.items():
        if current[name] == value:
            continue
        action = "fill" if current[name] in EMPTY else "change" if yielding else "keep"
        found.append(Difference(table.name, key, name, current[name], value, sources[name], action))
    return found


def _row(table: three_way.Table, key: str) -> Any:
    return table.model._default_manager.filter(**{table.key[0]: key}).first()


@transaction.atomic
def apply(proposal: Proposal, *, overwrite: bool = False) -> int:
    """Write what `differences` shows, except what is kept; returns the number of rows written. Raises ImportRefused."""
    changes: dict[tuple[str, str], list[Difference]] = {}
    for difference in differences(proposal, overwrite=overwrite):
        if difference.action != "keep":
            changes.setdefault((difference.table, difference.key), []).append(difference)
    for (table, key), fields in changes.items():
        _write(proposal, three_way.MODEL if table == "Model" else three_way.BUILD, key, fields)
    return len(changes)


def _write(proposal: Proposal, table: three_way.Table, key: str, changes: list[Difference]) -> None:
    row = _row(table, key) or table.model(**{table.key[0]: key})
    for change in changes:
        setattr(row, "model" if change.field == "model__slug" else change.field, _value(change))
    if isinstance(row, Model):
        row.input_modalities = row.input_modalities or ["text"]
        row.provenance = _provenance(row.provenance, changes, proposal.confidence)
    _save(row, f"import: {changes[0].source}")


def _value(change: Difference) -> Any:
    if change.field != "model__slug":
        return change.proposed
    return Model.objects.get(slug=change.proposed)


def _provenance(known: dict[str, Any], changes: list[Difference], confidence: str) -> dict[str, Any]:
    own = {PROVENANCE.get(change.field, change.field): change.source for change in changes}
    sources = [*known.get("sources", []), *(change.source for change in changes)]
    stated = confidence or known.get("confidence") or "read from a source"
    return {**known, **own, "sources": list(dict.fromkeys(sources)), "confidence": stated}


def _save(row: models.Model, reason: str) -> None:
    row._change_reason = reason[:100]  # type: ignore[attr-defined] # simple-history's way
    try:
        row.full_clean()
    except ValidationError as error:
        told = "; ".join(f"{name}: {' '.join(messages)}" for name, messages in error.message_dict.items())
        raise ImportRefused(f"{row} cannot be written: {told}") from error
    row.save()
    importer.mark_imported(row)
