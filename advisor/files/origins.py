"""Every model file under the folders that are looked into, by origin. Paths only: nothing is opened but manifests."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from advisor.files.listing import State, listing, state
from advisor.files.local import bundled
from rest.json_text import read_json

BLOB = re.compile(r"(?:sha256[-:])?([0-9a-f]{64})")
PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")
MOST_MANIFESTS = 2_000
OLLAMA_MODEL = "application/vnd.ollama.image.model"


@dataclass(frozen=True, slots=True)
class Part:
    """One file: what it is called, where it lies, and its checksum where its place states it."""

    name: str
    path: Path
    bytes: int
    state: State
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class FileSet:
    """All parts of one model file that are there, in order; `missing` counts the others."""

    origin: str
    parts: tuple[Part, ...]
    missing: int = 0

    @property
    def state(self) -> str:
        told = [(str(part.path), *part.state) for part in self.parts]
        return hashlib.sha256(repr((told, self.missing)).encode()).hexdigest()


def file_sets() -> Iterator[FileSet]:
    """Those of the folder first: the same file elsewhere is the same build."""
    for root in settings.MODEL_ROOTS:
        yield from grouped("folder", gguf_parts(root))
    yield from grouped("bundled", [part for path in bundled().values() if (part := part_at(path))])
    for origin, roots in settings.FILE_ORIGINS.items():
        for root in roots:
            yield from grouped(origin, ollama_parts(root) if origin == "ollama" else gguf_parts(root))


def gguf_parts(root: Path) -> list[Part]:
    return [part for path in listing(root).files.values() if (part := part_at(path))]


def part_at(path: Path, name: str = "") -> Part | None:
    try:
        about = path.stat()
        # The hub's cache names its blobs by their checksum, and links to them by the names of the repository.
        blob = BLOB.fullmatch(path.resolve().name)
    except OSError:
        return None
    return Part(name or path.name, path, about.st_size, state(about), blob[1] if blob else None)


def ollama_parts(root: Path) -> list[Part]:
    """The GGUF blobs that manifests name: manifests/<registry>/<space>/<model>/<tag>, blobs/sha256-<digest>."""
    found = []
    manifests, blobs = root / "manifests", root / "blobs"
    for number, (folder, _, names) in enumerate(os.walk(manifests)):
        if number >= MOST_MANIFESTS:
            break
        for name in sorted(names):
            path = Path(folder, name)
            for digest in model_layers(path):
                part = part_at(blobs / f"sha256-{digest}", name=f"{path.parent.name}:{name}")
                if part and not part.path.is_symlink():
                    found.append(part)
    return found


def model_layers(manifest: Path) -> list[str]:
    try:
        if manifest.stat().st_size > 1 << 20:
            return []
        layers = read_json(manifest.read_text())["layers"]
        wanted = [BLOB.fullmatch(layer["digest"]) for layer in layers if layer["mediaType"] == OLLAMA_MODEL]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [match[1] for match in wanted if match]


def grouped(origin: str, parts: list[Part]) -> list[FileSet]:
    """Parts of split files put together; what is no part of one stands alone."""
    sets: dict[tuple[Path, str], list[Part]] = {}
    alone = []
    for part in parts:
        if found := PART.fullmatch(part.name):
            sets.setdefault((part.path.parent, f"{found['stem']}/{found['count']}"), []).append(part)
        else:
            alone.append(FileSet(origin, (part,)))
    for (_, name), held in sets.items():
        ordered = tuple(sorted(held, key=lambda part: part.name))
        alone.append(FileSet(origin, ordered, int(name.rpartition("/")[2]) - len(ordered)))
    return alone
