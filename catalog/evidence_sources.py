"""Sources of published results, and which of them the operator has switched off."""

from __future__ import annotations

import re

from catalog.models import Evidence, EvidenceSource


def origin(source: str) -> str:
    """The repository or site of a source: the part before the commit, the path and the description."""
    repository = re.match(r"github:[^/]+/[^/@: ]+", source)
    site = re.match(r"https?://([^/ ]+)", source)
    if repository:
        return repository[0]
    return site[1] if site else source


def origins() -> list[str]:
    """The distinct origins of all results in the catalog, sorted."""
    texts = Evidence.objects.order_by().values_list("source", flat=True).distinct()
    return sorted({origin(text) for text in texts})


def switched_off() -> set[str]:
    """Origins whose results are ignored. One query."""
    return set(EvidenceSource.objects.filter(enabled=False).values_list("name", flat=True))


def switch(name: str, *, enabled: bool) -> None:
    """Switch an origin on or off. Raises ValueError where no result has this origin."""
    row = EvidenceSource.objects.filter(name=name).first() or EvidenceSource(name=name)
    if row._state.adding and name not in origins():
        raise ValueError(f"No result of the catalog has the source {name!r}.")
    if row._state.adding or row.enabled != enabled:
        row.enabled = enabled
        row.save()
