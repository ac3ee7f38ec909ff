"""How this machine runs an engine, by its settings."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings

from advisor.engines import registry
from advisor.engines.base import Program
from advisor.engines.registry import engines
from advisor.fit.ranking.plans import ENGINE
from advisor.fit.spec import HostSpec
from hardware.hosts import is_here


def installed_program(name: str) -> Program | None:
    """How this machine runs the engine of that name; None where it cannot."""
    known = engines().get(name)
    return registry.program(known, lambda setting: getattr(settings, setting, "")) if known else None


def usable_by_engine(machine: HostSpec, host: str | None) -> HostSpec:
    """The machine as the program that would run there can use it: the wheel's engine computes on the CPU."""
    program = installed_program(ENGINE) if is_here(host) else None
    return replace(machine, devices=()) if program and not program.accelerators else machine
