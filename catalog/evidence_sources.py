"""Where published results come from, and which of those origins the operator has switched off."""

from __future__ import annotations

import re

from catalog.models import Evidence, EvidenceSource


def origin(source: str) -> str:
    """A repository or a site: what comes before the commit, the path and the words about it."""
    repository = re.match(r"github:[^/]+/[^/@: ]+", source)
    site = re.match(r"https?://([^/ ]+)", source)
    if repository:
        return repository[0]
    return site[1] if site else source


def origins() -> list[str]:
    """Of every result of the catalog, by name."""
    texts = Evidence.objects.order_by().values_list("source", flat=True).distinct()
    return sorted({origin(text) for text in texts})


def switched_off() -> set[str]:
    """Origins whose results count for nothing. One query."""
    return set(EvidenceSource.objects.filter(enabled=False).values_list("name", flat=True))


def switch(name: str, *, enabled: bool) -> None:
    """Raises ValueError where no result has this origin."""
    row = EvidenceSource.objects.filter(name=name).first() or EvidenceSource(name=name)
    if row._state.adding and name not in origins():
        raise ValueError(f"No result of the catalog has the source {name!r}.")
    if row._state.adding or row.enabled != enabled:
        row.enabled = enabled
        row.save()
