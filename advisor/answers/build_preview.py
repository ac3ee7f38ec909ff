"""A preview of each build of one model on stated hardware, for an editor to check before the model is published."""

from __future__ import annotations

from typing import Any

from advisor.answers import documents, wording
from advisor.answers.plan_or_refusal import best_or_refused
from advisor.fit.spec import HostSpec, ModelSpec, Workload
from advisor.question.errors import DoesNotFit
from advisor.question.parse import parse_hardware
from advisor.selectors.catalog import find_model


def preview(slug: str, *, hardware: str, context: int, concurrency: int) -> list[dict[str, Any]]:
    """One row a build: its plan's memory by device, or in words why it has no plan.

    Raises Invalid for hardware that cannot be parsed or is unknown.
    """
    host = parse_hardware(hardware).host
    model = find_model(slug)
    if model is None:
        return []
    workload = Workload(
        context=context, concurrency=concurrency, use_case="embedding" if model.task != "generate" else "general"
    )
    return [_row(model, build.id, host, workload) for build in model.builds]


def _row(model: ModelSpec, build: str, host: HostSpec, workload: Workload) -> dict[str, Any]:
    try:
        plan = best_or_refused(model, host, workload, frozenset({build}))
    except DoesNotFit as error:
        verdict = documents.rejection_document(error.rejection)
        return {"build": build, "refused": wording.page_rejection(verdict, model.name)["words"]}
    document = documents.plan_document(plan, host)
    names = [device.name for device in host.devices]
    return {"build": build, **wording.page_result(document, launchable=False, names=names)}
