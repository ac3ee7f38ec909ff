"""Compares every layout derived from a configuration with the installed engine's own plan for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from advisor.engines.dry_run import PARTS
from advisor.fit.architectures.computed_header import header
from advisor.fit.build import Header
from advisor.fit.engines.llama_cpp.memory import estimate_memory
from advisor.fit.engines.llama_cpp.settings_text import read_settings
from advisor.fit.engines.llama_cpp.tensor_sizes import summarise
from advisor.intake.computed_builds import UnknownLayout, agreed
from catalog import seed
from tests.support import opened

QUANTIZATION = "F16"  # tensor names and shapes do not depend on it
SETTINGS = read_settings({"ctx": 4096}).settings


@dataclass(frozen=True, slots=True)
class Opened:
    """`refused`: the engine's message. `errors`: predicted and planned bytes of each part that differs."""

    slug: str
    arch: str
    tensors: int
    refused: str
    errors: dict[str, tuple[int, int]]


def headers(slugs: Iterable[str] | None = None) -> dict[str, Header]:
    """Slug -> header, for all models whose builds are computed, or for the given ones."""
    names = sorted(path.stem for path in (seed.DATA / "models").glob("*.json")) if slugs is None else slugs
    found = {}
    for slug in names:
        try:
            found[slug] = header(agreed(seed.read_seed(seed.DATA / "models" / f"{slug}.json")), QUANTIZATION)
        except UnknownLayout:
            continue
    return found


def compared(found: dict[str, Header], folder: Path) -> list[Opened]:
    """Opens each header in the engine; its file is written to `folder`."""
    files = [(opened.write(folder / slug, head), SETTINGS) for slug, head in found.items()]
    pairs = zip(found.items(), opened.ask(files), strict=True)
    return [_compared(slug, head, said) for (slug, head), said in pairs]


def _compared(slug: str, head: Header, said: dict[str, dict[str, int]] | str) -> Opened:
    refused, errors = "", {}
    if isinstance(said, str):
        refused = said
    else:
        mine = estimate_memory(summarise(head), SETTINGS).host
        sums = {part: (getattr(mine, part), sum(buffer[part] for buffer in said.values())) for part in PARTS}
        errors = {part: pair for part, pair in sums.items() if pair[0] != pair[1]}
    return Opened(slug, head.kv["general.architecture"], len(head.tensors), refused, errors)
