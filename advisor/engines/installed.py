"""How this machine runs an engine, by its settings."""

from __future__ import annotations

from django.conf import settings

from advisor.engines import registry
from advisor.engines.base import Program
from advisor.engines.registry import engines


def installed_program(name: str) -> Program | None:
    """How this machine runs the engine of that name; None where it cannot."""
    known = engines().get(name)
    return registry.program(known, lambda setting: getattr(settings, setting, "")) if known else None
