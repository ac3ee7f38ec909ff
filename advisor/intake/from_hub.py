"""Proposes a catalog entry from a repository on the hub, each field with its source and date."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from advisor.fit.architectures.hub_config import hub_facts
from advisor.intake import gguf_builds
from advisor.intake.check import Agreement, ImportRefused, agreement, count_tensors
from advisor.intake.computed import add_computed
from advisor.intake.computed_builds import GGUF, NATIVE_MXFP4, UnknownLayout
from advisor.intake.proposal import Proposal
from catalog import hub
from catalog.models import Licence, Model

QUANTIZATIONS = tuple(dict.fromkeys((*GGUF, *NATIVE_MXFP4)))
TASKS = {
    **dict.fromkeys(("text-generation", "image-text-to-text", "any-to-any", "audio-text-to-text"), "generate"),
    **dict.fromkeys(("video-text-to-text", "text2text-generation"), "generate"),
    **dict.fromkeys(("feature-extraction", "sentence-similarity"), "embedding"),
    **dict.fromkeys(("text-ranking", "text-classification"), "rerank"),
}
DTYPES = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}
# `quantization_config.quant_method` -> the catalog's term
STORED = {"fp8": "fp8", "mxfp4": "mxfp4 (experts) + bf16"}
TOWERS = {"vision_config": "image", "audio_config": "audio"}


def propose_from_hub(
    hub_id: str, *, gguf: Sequence[str] = (), quantizations: Sequence[str] = QUANTIZATIONS, today: date
) -> Proposal:
    """Read one repository, and the headers of GGUF builds in others.

    Raises:
        HubError: when the hub is not reached or gives an impossible answer.
        ImportRefused: when the repository holds no model that the catalog could describe.
    """
    with hub.allowed():
        repo = hub.repository(hub_id)
        config = hub.read_json(repo, "config.json")
        try:
            read = hub_facts(config)
        except UnknownLayout as error:
            raise ImportRefused(f"config.json of {hub_id} is refused: {error}") from error
        files = hub.weight_files(repo)
        found = agreement(
            read, count_tensors(hub.stored_weights(repo, files), read["n_layers"] or 0, read.get("mtp", 0))
        )
        known = Model.objects.filter(hub_id__iexact=repo.hub_id).first()
        proposal = Proposal(known.slug if known else new_slug(hub_id), today)
        _describe(proposal, repo, config, found, known)
        repos = list(dict.fromkeys([*(known.gguf_repos if known else []), *gguf]))
        proposal.say("named at the import", gguf_repos=repos or None)
        exact = [build for name in gguf for build in _gguf(proposal, name, quantizations)]
    _add_builds(proposal, repo, files, exact)
    return proposal


def new_slug(hub_id: str) -> str:
    """The slug for a new model: the repository's own name in lower case. Raises ImportRefused where it is taken."""
    slug = re.sub(r"[^a-z0-9._-]", "-", hub_id.partition("/")[2].lower())
    taken = Model.objects.filter(slug=slug).values_list("hub_id", flat=True).first()
    if taken:
        raise ImportRefused(f"The catalog's {slug} is {taken}, not {hub_id}.")
    return slug


def _describe(
    proposal: Proposal,
    repo: hub.Repository,
    config: dict[str, Any],
    found: Agreement,
    known: Model | None,
) -> None:
    listing, configuration, files = repo.source(), repo.source("config.json"), repo.source("*.safetensors")
    card = repo.source("README.md")
    if known is None:
        namespace, _, name = repo.hub_id.partition("/")
        sibling = (
            Model.objects.filter(hub_id__startswith=f"{namespace}/").values_list("organisation", flat=True).first()
        )
        proposal.say(listing, hub_id=repo.hub_id, name=name, organisation=sibling or namespace)
        proposal.say(configuration, family=str(config.get("model_type")))
        proposal.say(listing, released=repo.created.isoformat() if repo.created else None)
    task = TASKS.get(repo.pipeline or "")
    if task is None and known is None:
        raise ImportRefused(
            f"The hub lists {repo.hub_id} under {repo.pipeline!r}, which is none of the catalog's tasks."
        )
    if task and (known is None or not known.task):
        proposal.say(listing, task=task)
    proposal.say(configuration, architecture=found.architecture, context_length=found.architecture.get("max_ctx"))
    proposal.say(files, parameters_total=found.total)
    proposal.say("computed from the architecture", parameters_active=found.active)
    proposal.say(configuration, native_dtype=_dtype(config, proposal))
    seen = [name for key, name in TOWERS.items() if isinstance(config.get(key), dict)]
    if known is None or seen:
        proposal.say(configuration, input_modalities=["text", *seen])
    languages = repo.card.get("language")
    codes = [languages] if isinstance(languages, str) else languages or []
    proposal.say(card, languages=[code for code in codes if isinstance(code, str) and code] or None)
    proposal.say(card, licence_id=_licence(repo.card, proposal))
    proposal.confidence = found.sentence
    proposal.notes.append(found.sentence)


def _dtype(config: dict[str, Any], proposal: Proposal) -> str | None:
    quantized = config.get("quantization_config")
    if isinstance(quantized, dict):
        method = quantized.get("quant_method")
        if method not in STORED:
            proposal.notes.append(f"The catalog has no word for weights stored by the method {str(method)[:40]!r}.")
        return STORED.get(str(method))
    text = config.get("text_config") if isinstance(config.get("text_config"), dict) else {}
    stated = next((part[key] for part in (config, text) for key in ("dtype", "torch_dtype") if part.get(key)), None)
    return DTYPES.get(str(stated))


def _licence(card: dict[str, Any], proposal: Proposal) -> str | None:
    stated = card.get("license_name") if card.get("license") == "other" else card.get("license")
    if not isinstance(stated, str):
        proposal.notes.append("The repository states no licence.")
        return None
    found = Licence.objects.filter(pk__iexact=stated).first()
    if found is None:
        proposal.notes.append(f"The licence {stated[:80]!r} is not in the catalog; choose one by hand.")
    return found.pk if found else None


def _gguf(proposal: Proposal, hub_id: str, quantizations: Sequence[str]) -> list[dict[str, Any]]:
    """Builds of one GGUF repository. A file that is refused adds a note and does not fail the import."""
    repo = hub.repository(hub_id)
    builds = []
    for group in gguf_builds.sets(file.path for file in repo.files):
        if group.quantization not in quantizations:
            continue
        files = [file for path in group.paths for file in repo.files if file.path == path]
        try:
            build = gguf_builds.exact(
                proposal.model(),
                group.quantization,
                [{"path": file.path, "bytes": file.bytes, "sha256": file.sha256} for file in files],
                [hub.gguf_header(repo, file) for file in files],
                repo=hub_id,
                source=f"{repo.source(group.paths[0])}, {proposal.today.isoformat()}",
            )
        except ImportRefused as error:
            proposal.notes.append(str(error))
            continue
        builds.append(build)
    if not builds:
        proposal.notes.append(f"{hub_id} has no build in {', '.join(quantizations)} that could be read.")
    return builds


def _add_builds(proposal: Proposal, repo: hub.Repository, weights: list[hub.File], exact: list[dict[str, Any]]) -> None:
    checkpoint = {
        "repo": repo.hub_id,
        "bytes": sum(file.bytes for file in weights),
        "source": f"{repo.source('*.safetensors')}, {proposal.today.isoformat()}",
    }
    add_computed(proposal, [checkpoint])
    for build in proposal.builds:
        if build["format"] == "safetensors":
            build["files"] = [{"path": file.path, "bytes": file.bytes, "sha256": file.sha256} for file in weights]
    proposal.builds += exact
