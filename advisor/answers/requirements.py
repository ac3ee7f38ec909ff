"""The reverse question, the hardware that a model needs: reference cards, one to eight of each, smallest first."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache

import orjson

from advisor.answers import documents
from advisor.answers.cache import Answer, keep_answer, known_answer
from advisor.answers.explain import reasons_for
from advisor.answers.shapes import RequiredAccelerator, Requirements
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.machines import meeting
from advisor.fit.ranking.rank import rank
from advisor.fit.ranking.rejections import COUNTS, LEAST_CAPABILITY, rejections
from advisor.fit.spec import FIT_VERSION, HostSpec, ModelSpec
from advisor.question.errors import Invalid
from advisor.question.parse import RequirementsQuestion
from advisor.selectors.catalog import catalog_index, find_model
from advisor.selectors.hosts import host_spec
from hardware import reference
from hardware.stated import stated


@dataclass(frozen=True, slots=True)
class Machine:
    """`count` of a reference card in a machine with enough main memory for the rest."""

    card: reference.GpuSpec
    count: int
    host: HostSpec


@cache
def reference_machines() -> tuple[Machine, ...]:
    """Every machine that can be suggested, smallest first: by total memory, then by cards, bandwidth and name."""
    found = []
    for card in reference.specs():
        if (
            re.search("laptop|mobile", card.name.lower())
            or float(card.compute_capability or LEAST_CAPABILITY) < LEAST_CAPABILITY
        ):
            continue
        entry = {"name": card.name, "memory_bytes": card.nominal_bytes}
        for count in (1,) if card.unified else COUNTS:
            host = host_spec(stated({"accelerators": [entry | {"count": count}]}))
            found.append(Machine(card, count, host))
    return tuple(sorted(found, key=order))


def order(machine: Machine) -> tuple[int, int, int, str]:
    whole = sum(device.memory_bytes for device in machine.host.devices)
    return whole, machine.count, machine.card.memory_bandwidth, machine.card.name


def hardware_for_model(question: RequirementsQuestion) -> Answer:
    """The accelerators on which a model meets the workload, smallest first, or why none does. Raises Invalid."""
    index = catalog_index()
    model = find_model(question.model)
    if model is None:
        raise Invalid([{"field": "model", "message": f"{question.model!r} is not a model of this catalog."}])
    key = ("requirements", index.catalog.version, orjson.dumps(question.asked, option=orjson.OPT_SORT_KEYS))
    return known_answer(key) or keep_answer(key, worked_out(question, model, index))


def worked_out(question: RequirementsQuestion, model: ModelSpec, index: Index) -> Requirements:
    workload, prefer = question.workload, question.prefer
    one = Index.of(replace(index.catalog, models=(model,)))
    known = {machine.host: machine for machine in reference_machines()}
    found = meeting(one, list(known), workload, prefer=prefer, limit=question.limit)
    rejected = []
    if not found:
        largest = reference_machines()[-1].host
        refused = rank(one, largest, workload, prefer=prefer, limit=1)
        rejected = [documents.rejection_document(r) for r in rejections(one, largest, workload, refused, limit=1)]
    return {
        "catalog_version": index.catalog.version,
        "fit_version": FIT_VERSION,
        "model": model.slug,
        "results": [
            {
                "accelerator": accelerator(known[host]),
                **documents.plan_document(result.plan, host),
                "reasons": reasons_for(result, host, workload),
            }
            for host, result in found
        ],
        "rejected": rejected,
    }


def accelerator(machine: Machine) -> RequiredAccelerator:
    card = machine.card
    return {
        "name": card.name,
        "count": machine.count,
        "memory_bytes": card.memory_bytes,
        "total_bytes": card.memory_bytes * machine.count,
        "memory_bandwidth": card.memory_bandwidth,
        "unified": card.unified,
        "vendor": card.vendor,
    }
