"""What each build of one model takes on hardware in words: the check an editor makes before others see the model."""

from __future__ import annotations

from typing import Any

from advisor import advice, documents, pages, selectors
from advisor.fit.spec import HostSpec, ModelSpec, Workload


def preview(slug: str, *, hardware: str, context: int, concurrency: int) -> list[dict[str, Any]]:
    """One row a build: its plan's memory by device, or why it has none, in words.

    Raises advice.Invalid for hardware that cannot be read or is not known.
    """
    host = selectors.host_spec(advice.resolve({"text": hardware}))
    model = next((m for m in selectors.catalog().catalog.models if m.slug == slug), None)
    if model is None:
        return []
    workload = Workload(
        context=context, concurrency=concurrency, use_case="embedding" if model.task != "generate" else "general"
    )
    return [_row(model, build.id, host, workload) for build in model.builds]


def _row(model: ModelSpec, build: str, host: HostSpec, workload: Workload) -> dict[str, Any]:
    try:
        plan = advice.best_or_refused(model, host, workload, frozenset({build}))
    except advice.DoesNotFit as error:
        return {"build": build, "refused": pages.rejection(error.verdict, model.name)["words"]}
    document = documents.plan_document(plan, host)
    names = [device.name for device in host.devices]
    return {"build": build, **pages.result(document, launchable=False, names=names)}
