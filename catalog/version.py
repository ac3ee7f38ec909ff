"""The digest of everything an answer depends on, and the only code that advances it.

Equal digests mean equal catalogs: a fresh load gives the digest of the seed, every later write gives a digest of the
previous one and of what was written. Sources of evidence that are switched off are mixed in on reading, so switching
them on again restores the earlier digest. `QuerySet.update` and bulk writes send no signal; code that uses them must
call `advance`.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from django.db import connection, models, transaction
from django.db.models.signals import post_delete, post_save

from catalog.models import Benchmark, Build, CatalogVersion, Evidence, EvidenceSource, Licence, Model, Withheld

NOT_CONTENT = {"updated", "seed_digest", "import_digest"}
BENCHMARK = ("name", "version", "metric", "use_case")
# The natural key of each model, the same in the seed and in the database, as ORM paths.
KEYS: dict[type[models.Model], tuple[str, ...]] = {
    Licence: ("id",),
    Benchmark: BENCHMARK,
    Model: ("slug",),
    Build: ("key",),
    Evidence: ("model__slug", *(f"benchmark__{name}" for name in BENCHMARK), "variant", "source", "date"),
}


# Plain SQL: the ORM takes ten times as long to build the query as the database to answer it.
CURRENT = (
    f"SELECT 0, digest FROM {CatalogVersion._meta.db_table} "  # noqa: S608  names of our own tables
    f"UNION ALL SELECT 1, name FROM {EvidenceSource._meta.db_table} WHERE NOT enabled"
)


def current() -> str:
    """The current digest, empty when nothing was ever loaded. One query, because every question asks it."""
    with connection.cursor() as cursor:
        cursor.execute(CURRENT)
        (kind, digest), *names = sorted(cursor.fetchall()) or [(0, "")]
    if kind:  # only sources have a kind
        return ""
    if names:
        digest = hashlib.sha256(orjson.dumps([digest, [name for _, name in names]])).hexdigest()
    return digest


def of_content() -> str:
    """The digest of the rows alone, whatever is switched off here: a bundle counts in full where it is loaded."""
    return CatalogVersion.objects.values_list("digest", flat=True).first() or ""


def advance(*written: Any) -> str:
    """Mix what was written (any JSON) into the digest and return the new one."""
    with transaction.atomic():
        row, _ = CatalogVersion.objects.select_for_update().get_or_create(id=1)
        content = orjson.dumps(written, default=str, option=orjson.OPT_SORT_KEYS)
        row.digest = hashlib.sha256(row.digest.encode() + content).hexdigest()
        row.save()
    return row.digest


def natural_key(instance: models.Model) -> str:
    """A row's natural key as JSON, in the seed's spelling: the same on every installation."""

    def follow(path: str) -> Any:
        value: Any = instance
        for step in path.split("__"):
            value = getattr(value, step)
        return value

    return orjson.dumps([follow(path) for path in KEYS[type(instance)]]).decode()


def _saved(sender: type[models.Model], instance: models.Model, raw: bool = False, **_: Any) -> None:
    if not raw:
        fields = {f.attname: getattr(instance, f.attname) for f in instance._meta.concrete_fields}
        advance("saved", sender.__name__, {k: v for k, v in fields.items() if k not in NOT_CONTENT})


def _deleted(sender: type[models.Model], instance: Any, **_: Any) -> None:
    # A seed row that was deleted stays deleted: without this record the next load would restore it.
    if instance.seed_digest:
        Withheld.objects.get_or_create(table=sender.__name__, key=natural_key(instance))
    advance("deleted", sender.__name__, natural_key(instance))


def connect_version() -> None:
    for table in KEYS:
        post_save.connect(_saved, sender=table, dispatch_uid=f"catalog-version-saved-{table.__name__}")
        post_delete.connect(_deleted, sender=table, dispatch_uid=f"catalog-version-deleted-{table.__name__}")
