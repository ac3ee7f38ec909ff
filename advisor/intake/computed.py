"""Builds computed from a model's configuration, for a model added by hand that still lacks them."""

from __future__ import annotations

from datetime import date
from typing import Any

from advisor.intake.computed_builds import UnknownLayout, builds_of
from advisor.intake.proposal import Proposal


def add_computed(proposal: Proposal, checkpoints: list[dict[str, Any]]) -> None:
    """Add the builds to the proposal, or a note on why there are none. `checkpoints` as in `builds_of`.

    Builds that the catalog holds as read from files are left alone.
    """
    try:
        builds = builds_of(proposal.model(), [], checkpoints)
    except UnknownLayout as error:
        proposal.notes.append(f"No build is computed: {error}")
        return
    except ArithmeticError:
        proposal.notes.append("No build is computed: the architecture states a width or period of zero.")
        return
    for build in builds:
        if build["basis"] == "exact" or not proposal.is_exact(build["key"]):
            proposal.builds.append({**build, "model__slug": proposal.slug, "repo": build["repo"] or ""})


def propose_computed(slug: str, today: date) -> Proposal:
    """The computed builds of one model of the catalog."""
    proposal = Proposal(slug, today)
    add_computed(proposal, [])
    return proposal
