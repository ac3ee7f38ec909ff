"""What can run on a machine: ranked plans, and why the rest cannot."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from advisor.answers import cost, documents
from advisor.answers.cache import cached_document
from advisor.engines.installed import usable_by_engine
from advisor.files.local import builds_on_disk
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.explain import explained
from advisor.fit.ranking.rank import rank as ranked
from advisor.fit.ranking.rejections import rejections
from advisor.fit.spec import FIT_VERSION, HostSpec, Result, Workload
from advisor.monitoring import metrics
from advisor.question.parse import resolve, validated, workload_of
from advisor.selectors.catalog import catalog_index
from advisor.selectors.hosts import host_spec, reference_gpus


@metrics.counted("recommendation")
def recommend(question: Any) -> dict[str, Any]:
    """The decision for a question (`QuestionSerializer`): ranked plans, rejected models with fixes, warnings.

    The same question on the same catalog and hardware gives the same bytes. Raises Invalid.
    """
    asked = validated(question)
    document = resolve(asked["hardware"])
    host, index = host_spec(document), catalog_index()
    if asked["on_disk"]:
        host = usable_by_engine(host, asked["hardware"].get("host"))
    paths = builds_on_disk(index)
    hardware = documents.hardware_document(document, host)
    decision = decision_digest(asked, index.catalog.version, hardware)
    workload = workload_of(asked["workload"])

    def work_out() -> dict[str, Any]:
        ranking = ranked(
            index,
            host,
            workload,
            prefer=asked["prefer"],
            limit=asked["limit"],
            only_builds=frozenset(paths) if asked["on_disk"] else None,
            expand=asked["expand"] == "plans",
        )
        refused = rejections(index, host, workload, ranking, gpus=reference_gpus(), limit=asked["rejected_limit"])
        return {
            "decision": decision,
            "catalog_version": index.catalog.version,
            "fit_version": FIT_VERSION,
            "hardware": hardware,
            "results": [
                documents.result_document(explained(r, host, workload), host, paths)
                | costed(r, host, workload, index, asked.get("cost"))
                for r in ranking.results
            ],
            "rejected": [documents.rejection_document(r) for r in refused],
            "warnings": warnings(document, host, workload, index),
        }

    # What the digest does not cover: figures of the hardware that the document leaves out, files that came or went.
    return cached_document((decision, host, tuple(paths.items()), tuple(document.get("warnings") or ())), work_out)


def costed(
    result: Result, host: HostSpec, workload: Workload, index: Index, asked: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The member `cost` of a result, where prices were asked about."""
    return {} if asked is None else {"cost": cost.cost_document(result, host, workload, index, asked)}


def decision_digest(asked: Mapping[str, Any], catalog_version: str, hardware: Mapping[str, Any]) -> str:
    content = orjson.dumps([asked, catalog_version, FIT_VERSION, hardware], option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(content).hexdigest()


def warnings(document: Mapping[str, Any], host: HostSpec, workload: Workload, index: Index) -> list[str]:
    said = [str(warning) for warning in document.get("warnings") or []]
    if host.ram_bytes is None:
        said.append("Main memory was not stated: only plans that live wholly on the accelerators are considered.")
    if not index.catalog.models:
        said.append("The catalog is empty: load it with manage.py load_catalog.")
    if workload.use_case == "vision" or "image" in workload.input_modalities:
        said.append("The image projector's memory (about 1 GiB on most models) is not in the sums.")
    return said
