"""The whole catalog as one signed file, to carry it from one installation to another.

Two lines and a body: a JSON header that describes the bundle, the HMAC-SHA256 of that line and the body under
BERTH_BUNDLE_KEY, and the files of a data folder, `{path: content}` as gzipped JSON. The signature is checked before
anything is unpacked.
"""

from __future__ import annotations

import gzip
import hmac
import io
import re
import tempfile
import zlib
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings

from catalog import schema, version
from catalog.importer import rows_of
from catalog.three_way import BENCHMARK, BUILD, EVIDENCE, LICENCE, MODEL, Rows, Table, plain

FORMAT = "berth-catalog-bundle/1"
MAX_BYTES = 64 << 20
MAX_UNPACKED = 512 << 20
PATH = re.compile(r"(licences|benchmarks)\.json|(models|builds)/[a-z0-9][a-z0-9._-]*\.json")
SHORTEST_KEY = 32
SCHEMAS = {"models": "model", "builds": "build", "licences": "licence", "benchmarks": "benchmark"}

Files = dict[str, Any]


class BundleError(ValueError):
    """The bundle cannot be made or trusted; the message is one sentence for the user."""


def key() -> bytes:
    found = settings.BUNDLE_KEY
    if len(found) < SHORTEST_KEY:
        raise BundleError(
            f"BERTH_BUNDLE_KEY is not set: state the same secret of at least {SHORTEST_KEY} characters on both sides."
        )
    return str(found).encode()


# ---------------------------------------------------------------- out


def pack(today: date) -> bytes:
    """The current catalog as a signed bundle. Raises BundleError without a key."""
    secret = key()
    about = {"format": FORMAT, "created": today.isoformat(), "catalog_version": version.of_content()}
    head = orjson.dumps(about)
    body = gzip.compress(orjson.dumps(files(), option=orjson.OPT_SORT_KEYS), mtime=0)
    return b"\n".join((head, _signature(secret, head, body), body))


def files() -> Files:
    """The content of the database in the layout of the data folder (see `seed`)."""
    evidence, builds = defaultdict(list), defaultdict(list)
    for row in _rows(EVIDENCE):
        words = {name.removeprefix("benchmark__"): value for name, value in row.items() if name != "model__slug"}
        evidence[row["model__slug"]].append({"benchmark": words.pop("name"), **words})
    for row in _rows(BUILD):
        builds[row.pop("model__slug")].append(row)
    found: Files = {"licences.json": _rows(LICENCE)}
    found["benchmarks.json"] = [{"versions": [row.pop("version")], **row} for row in _rows(BENCHMARK)]
    for row in _rows(MODEL):
        slug, licence, successor = row["slug"], row.pop("licence_id"), row.pop("superseded_by__slug")
        links = {"licence": licence, "superseded_by": successor, "evidence": evidence[slug]}
        found[f"models/{slug}.json"] = {**row, **links}
    for slug, listed in builds.items():
        found[f"builds/{slug}.json"] = {"slug": slug, "builds": listed}
    return found


def _rows(table: Table) -> list[dict[str, Any]]:
    order = table.model._default_manager.order_by(*table.key)
    return [{name: plain(value) for name, value in row.items()} for row in order.values(*table.columns)]


# ---------------------------------------------------------------- in


def unpack(content: bytes) -> tuple[dict[str, Any], Rows]:
    """A bundle's header, and its rows for `importer.merge`. Raises BundleError."""
    head, _, rest = content.partition(b"\n")
    signature, _, body = rest.partition(b"\n")
    if not head.startswith(b"{") or not signature:
        raise BundleError("This is no catalog bundle, or it carries no signature.")
    if not hmac.compare_digest(signature, _signature(key(), head, body)):
        raise BundleError("The signature is not of this key: the bundle was changed, or made with another key.")
    try:
        about = orjson.loads(head)
        if about.get("format") != FORMAT:
            told = f"The bundle's format is {about.get('format')!r}; this version of Berth reads {FORMAT!r}."
            raise BundleError(told)
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as stream:
            unpacked = stream.read(MAX_UNPACKED + 1)
        if len(unpacked) > MAX_UNPACKED:
            raise BundleError(f"The bundle unpacks to more than {MAX_UNPACKED >> 20} MiB.")
        return about, _checked(orjson.loads(unpacked))
    except BundleError:
        raise
    # A key that signs is no promise of what it signed. The last two are gzip's.
    except (AttributeError, LookupError, TypeError, ValueError, OSError, EOFError, zlib.error) as error:
        raise BundleError("The bundle is not the shape of a catalog's.") from error


def read_bundle(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BundleError(f"{path.name} is larger than {MAX_BYTES >> 20} MiB.")
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path.name} cannot be read: {(error.strerror or 'unknown').lower()}.") from error


def _checked(found: Files) -> Rows:
    """The files as rows, validated against the seed's schemas. Raises BundleError."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in found.items():
            if not PATH.fullmatch(name):
                raise BundleError(f"The bundle holds {name[:80]!r}, which is no file of a catalog.")
            wrong = _wrong(name, content)
            if wrong:
                raise BundleError(f"{name} of the bundle cannot be: {wrong[0]}")
            target = Path(folder, name)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(orjson.dumps(content))
        return rows_of(Path(folder))


def _wrong(name: str, content: Any) -> list[str]:
    kind = name.partition("/")[0].removesuffix(".json")
    if kind == "models":
        facts = content.get("architecture") if isinstance(content, dict) else None
        found = _sentences("model", content)
        return found + (_sentences("architecture", facts) if facts else [])
    listed = content["builds"] if kind == "builds" else content
    return [sentence for row in listed for sentence in _sentences(SCHEMAS[kind], row)]


def _sentences(kind: str, value: Any) -> list[str]:
    """Violations of the seed's schema; empty strings pass, because a row made in the admin may leave text out."""
    return schema.sentences(kind, value, blank=True)


def _signature(secret: bytes, head: bytes, body: bytes) -> bytes:
    return hmac.new(secret, head + b"\n" + body, "sha256").hexdigest().encode()
