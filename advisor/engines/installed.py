"""Engine programs installed on this machine, located through Django's settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.conf import settings

from advisor.engines import registry
from advisor.engines.base import Program
from advisor.engines.registry import adapters
from advisor.fit.spec import HostSpec
from advisor.question.parse import Question
from hardware.hosts import is_here


def installed_program(name: str) -> Program | None:
    """The program that runs the named engine on this machine, or None."""
    known = adapters().get(name)
    if known is None:
        return None
    stated = (entry["setting"] for entry in known.PROGRAMS if "setting" in entry)
    return registry.program(known, {setting: getattr(settings, setting, "") for setting in stated})


def usable_here(machine: HostSpec, engines: Iterable[str]) -> HostSpec:
    """This machine as its installed programs can use it: without devices if all of them compute on the CPU."""
    programs = [program for program in map(installed_program, engines) if program]
    idle = programs and not any(program.accelerators for program in programs)
    return replace(machine, devices=()) if idle else machine


def as_run_here(question: Question) -> Question:
    """A question about local files, restricted to the part of this machine that its installed engines can use."""
    if not question.on_disk or not is_here(question.asked["hardware"].get("host")):
        return question
    return question.on(usable_here(question.host, question.engines))
