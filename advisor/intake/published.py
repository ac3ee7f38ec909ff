"""What the repository of a catalog's build holds now: its files at one commit, and what their headers say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from advisor.intake import gguf_builds
from advisor.intake.check import ImportRefused
from advisor.intake.proposal import Proposal
from catalog import hub
from catalog.models import Build


def files_of(build: Build) -> tuple[hub.Repository, list[hub.File]]:
    """The repository at its newest commit and the files of this build in it, in order.

    Those that the catalog names, where they are all there; else the set that is called by the build's quantization.
    Raises HubError; ImportRefused where there is no repository, or it lacks the build.
    """
    if not build.repo or build.format != "gguf":
        raise ImportRefused(f"No repository with GGUF files of {build.key} is known.")
    with hub.allowed():
        repo = hub.repository(build.repo)
    named = [str(file["path"]) for file in build.files]
    if not named or any(repo.file(path) is None for path in named):
        sets = gguf_builds.sets(file.path for file in repo.files)
        found = [one for one in sets if one.quantization == build.quantization]
        named = list(min(found, key=lambda one: len(one.paths[0])).paths) if found else []
    if not named:
        raise ImportRefused(f"{build.repo} has no {build.quantization} file.")
    return repo, sorted((file for file in repo.files if file.path in named), key=lambda file: file.path)


def proposed(
    build: Build, repo: hub.Repository, files: Sequence[hub.File], headers: Sequence[dict[str, Any]], today: date
) -> Proposal:
    """The build as these headers have it, exact to the byte. Raises ImportRefused where they are of another model."""
    proposal = Proposal(build.model.slug, today)
    row = gguf_builds.exact(
        proposal.model(),
        build.quantization,
        [{"path": f.path, "bytes": f.bytes, "sha256": f.sha256, "revision": repo.commit} for f in files],
        headers,
        repo=build.repo,
        source=f"{repo.source(files[0].path)}, {today.isoformat()}",
    )
    proposal.builds.append(row | {"key": build.key})
    return proposal


def propose_refresh(build: Build, today: date) -> Proposal:
    """What a refresh would change: headers are read by range requests, no weights. Raises HubError, ImportRefused."""
    repo, files = files_of(build)
    with hub.allowed():
        headers = [hub.gguf_header(repo, file) for file in files]
    return proposed(build, repo, files, headers, today)
