"""Discovers planners, one folder per engine beside this file. Deleting a folder removes its engine from all answers."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from importlib.util import find_spec

from advisor.fit import engines as package
from advisor.fit.engines.base import Planner


@cache
def planners() -> dict[str, Planner]:
    """Planners by engine name, from every folder that has a `planner` module."""
    folders = [f"{package.__name__}.{found.name}" for found in pkgutil.iter_modules(package.__path__) if found.ispkg]
    modules = [importlib.import_module(f"{folder}.planner") for folder in folders if find_spec(f"{folder}.planner")]
    return {module.NAME: module for module in modules}


def planners_of(names: tuple[str, ...] | None) -> tuple[Planner, ...]:
    """The known planners among `names`, in that order; all planners for None."""
    known = planners()
    return tuple(known.values()) if names is None else tuple(known[name] for name in names if name in known)
