"""Rankings on a few reference machines, and what a catalog edit moves in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import orjson

from advisor.answers import wording
from advisor.answers.cache import cached
from advisor.fit.ranking.rank import Index, rank
from advisor.fit.spec import Result, Workload
from advisor.question.parse import parse_hardware

FILE = Path(__file__).parents[1] / "data" / "reference_machines.json"
SHOWN = 5
ALL = 10_000

Place = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Machine:
    """A reference machine and its question. `name` is for people, `hardware` is parsed."""

    name: str
    hardware: str
    use_case: str
    context: int


@cache
def impact_machines() -> tuple[Machine, ...]:
    return tuple(Machine(**row) for row in orjson.loads(FILE.read_bytes()))


def standings(index: Index) -> list[dict[str, Place]]:
    """For each reference machine every model that its question ranks, by slug, best first."""

    def work_out() -> dict[str, Any]:
        return {"machines": [_standing(index, machine) for machine in impact_machines()]}

    found: list[dict[str, Place]] = cached(("standings", index.catalog.version), work_out)["machines"]
    return found


def _standing(index: Index, machine: Machine) -> dict[str, Place]:
    host = parse_hardware(machine.hardware).host
    workload = Workload(use_case=machine.use_case, context=machine.context)
    return {result.plan.model.slug: _place(result) for result in rank(index, host, workload, limit=ALL).results}


def _place(result: Result) -> Place:
    return {
        "rank": result.rank,
        "name": result.plan.model.name,
        "quantization": result.plan.build.quantization,
        "placement": wording.PLACEMENTS[result.plan.placement],
        "score": round(result.score, 1),
    }


def standings_compared(before: Index, after: Index, subjects: Iterable[str] = ()) -> list[dict[str, Any]]:
    """For each reference machine the first places before and after, as JSON values.

    `rows`: one a place. `further`: `subjects` (slugs) that are not among them, and models that fell out of them.
    `others`: how many further models changed place.
    """
    pairs = zip(impact_machines(), standings(before), standings(after), strict=True)
    return [{**asdict(machine), **_compared(old, new, list(subjects))} for machine, old, new in pairs]


def _compared(old: dict[str, Place], new: dict[str, Place], subjects: list[str]) -> dict[str, Any]:
    first = [slugs[:SHOWN] for slugs in (list(old), list(new))]
    rows = [
        {"place": place, "before": old.get(was or ""), "after": new.get(now or ""), "moved": moved(old, new, now or "")}
        for place, (was, now) in enumerate(zip_longest(*first), start=1)
    ]
    left = [slug for slug in dict.fromkeys([*first[0], *subjects]) if slug not in first[1]]
    further = [{"name": _name(old, new, slug), "moved": moved(old, new, slug)} for slug in left]
    told = {*first[0], *first[1], *subjects}
    elsewhere = [slug for slug in old.keys() | new.keys() if slug not in told and _rank(old, slug) != _rank(new, slug)]
    return {"rows": rows, "further": further, "others": len(elsewhere)}


def _rank(places: dict[str, Place], slug: str) -> int | None:
    return places[slug]["rank"] if slug in places else None


def _name(old: dict[str, Place], new: dict[str, Place], slug: str) -> str:
    return str((new.get(slug) or old.get(slug) or {"name": slug})["name"])


def moved(old: dict[str, Place], new: dict[str, Place], slug: str) -> str:
    """The change in a model's place in words; empty if there is none."""
    was, now = old.get(slug), new.get(slug)
    if now is None:
        return f"no longer in the answer, was {was['rank']}" if was else "not in the answer"
    if was is None:
        return f"new at {now['rank']}"
    words = [f"from {was['rank']} to {now['rank']}"] if was["rank"] != now["rank"] else []
    words += [f"{now[part]} instead of {was[part]}" for part in ("quantization", "placement") if was[part] != now[part]]
    if was["score"] != now["score"]:
        words.append(f"score {now['score']} instead of {was['score']}")
    return ", ".join(words)


def sentence(machine: dict[str, Any]) -> str:
    """ "one RTX 4090, coding: Own new at 1; Qwen3.6-27B from 1 to 2"."""
    named = [(row["after"]["name"], row["moved"]) for row in machine["rows"] if row["after"] and row["moved"]]
    named += [(row["name"], row["moved"]) for row in machine["further"] if row["moved"]]
    told = "; ".join(f"{name} {words}" for name, words in named) or "no change"
    return f"{machine['name']}, {machine['use_case'].replace('_', ' ')}: {told}"
