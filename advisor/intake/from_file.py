"""Proposes a build from a GGUF file on this machine."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

from advisor.intake import gguf_builds
from advisor.intake.check import ImportRefused
from advisor.intake.proposal import Proposal
from catalog.gguf import read_header
from catalog.models import Model


def propose_from_file(
    path: Path, model: str, *, quantization: str | None = None, repo: str = "", digests: bool = False, today: date
) -> Proposal:
    """One build from one file, or from all shards beside it. `digests` also reads every byte for its sha256, as is
    always done where the catalog knows the checksums of this build.

    Raises:
        GgufError: when a header cannot be read.
        ImportRefused: when there is no such model, a shard is missing, or the file is of another model or not the one
            whose checksum is known.
    """
    if not Model.objects.filter(slug=model).exists():
        raise ImportRefused(f"The catalog has no model {model!r}; import it first, or name one with --model.")
    proposal = Proposal(model, today)
    paths = _shards(path)
    files = [_file(shard, digests) for shard in paths]
    named = gguf_builds.SHARD.fullmatch(path.name)
    build = gguf_builds.exact(
        proposal.model(),
        quantization or (gguf_builds.label(named["stem"]) if named else None),
        files,
        [read_header(shard) for shard in paths],
        repo=repo,
        source=f"header of {path.name}, {today.isoformat()}",
    )
    if known := proposal.checksums(build["key"]):
        build["files"] = [_file(shard, True) for shard in paths]
        _refuse_others(build, known)
    proposal.builds.append(build)
    return proposal


def _refuse_others(build: dict[str, Any], known: set[str]) -> None:
    for file in build["files"]:
        if file["sha256"] not in known:
            raise ImportRefused(
                f"{file['path']} is not the file known as {build['key']}: its checksum is another one. "
                "Name where it comes from with --repo to make it a build of its own."
            )


def _shards(path: Path) -> list[Path]:
    found = gguf_builds.SHARD.fullmatch(path.name)
    if not found or not found["count"]:
        return [path]
    count = int(found["count"])
    shards = [path.with_name(f"{found['stem']}-{n:05d}-of-{count:05d}.gguf") for n in range(1, count + 1)]
    missing = [shard.name for shard in shards if not shard.is_file()]
    if missing:
        raise ImportRefused(f"{len(missing)} of {count} shards are not beside the file, such as {missing[0]}.")
    return shards


def _file(path: Path, digests: bool) -> dict[str, Any]:
    try:
        size = path.stat().st_size
        if not digests:
            return {"path": path.name, "bytes": size, "sha256": None}
        with path.open("rb") as file:
            return {"path": path.name, "bytes": size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
    except OSError as error:
        raise ImportRefused(f"{path.name} cannot be read: {(error.strerror or 'unknown reason').lower()}.") from error
