"""What can run on a machine: ranked plans, and why the rest cannot."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from advisor.answers import cost, documents
from advisor.answers.cache import Answer, keep_answer, known_answer
from advisor.answers.explain import reasons_for
from advisor.engines.installed import usable_here
from advisor.files.local import builds_on_disk
from advisor.fit.engines.registry import planners_of
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.rank import Ranking
from advisor.fit.ranking.rank import rank as ranked
from advisor.fit.ranking.rejections import rejections
from advisor.fit.spec import FIT_VERSION, Result
from advisor.question.parse import Question
from advisor.selectors.catalog import catalog_index
from advisor.selectors.hosts import reference_gpus
from hardware.hosts import is_here


def recommend(question: Question) -> Answer:
    """The decision for a question: ranked plans, rejected models with fixes, warnings.

    The same question on the same catalog and hardware gives the same bytes.
    """
    index = catalog_index()
    question = as_run_here(question) if question.on_disk else question
    paths = builds_on_disk(index)
    decision = decision_digest(question, index)
    # What the digest does not cover: figures of the hardware that the document leaves out, files that came or went.
    told = tuple(question.reading.document.get("warnings") or ())
    key = (decision, question.host, tuple(paths.items()), told)
    return known_answer(key) or keep_answer(key, worked_out(question, index, paths, decision), decision)


def worked_out(question: Question, index: Index, paths: Mapping[str, str], decision: str) -> dict[str, Any]:
    host, workload = question.host, question.workload
    ranking = ranking_of(question, index, paths)
    refused = rejections(index, host, workload, ranking, gpus=reference_gpus(), limit=question.rejected_limit)
    return {
        "decision": decision,
        "catalog_version": index.catalog.version,
        "fit_version": FIT_VERSION,
        "hardware": documents.hardware_document(question.reading),
        "results": [
            documents.result_document(result, host, paths, reasons_for(result, host, workload))
            | costed(result, question, index)
            for result in ranking.results
        ],
        "rejected": [documents.rejection_document(r) for r in refused],
        "warnings": warnings(question, index),
    }


def ranking_of(question: Question, index: Index, paths: Mapping[str, str]) -> Ranking:
    return ranked(
        index,
        question.host,
        question.workload,
        engines=question.engines,
        prefer=question.prefer,
        limit=question.limit,
        only_builds=frozenset(paths) if question.on_disk else None,
        expand=question.expand,
    )


def as_run_here(question: Question) -> Question:
    """The question about the machine as the engines installed on it can use it, where it is this one."""
    if not is_here(question.asked["hardware"].get("host")):
        return question
    return question.on(usable_here(question.host, question.engines))


def costed(result: Result, question: Question, index: Index) -> dict[str, Any]:
    """The member `cost` of a result, where prices were asked about."""
    if question.prices is None:
        return {}
    return {"cost": cost.cost_document(result, question.host, question.workload, index, question.prices)}


def decision_digest(question: Question, index: Index) -> str:
    content = [question.asked, index.catalog.version, FIT_VERSION, documents.hardware_document(question.reading)]
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()


def warnings(question: Question, index: Index) -> list[str]:
    said = [str(warning) for warning in question.reading.document.get("warnings") or []]
    if question.host.ram_bytes is None:
        said.append("Main memory was not stated: only plans that live wholly on the accelerators are considered.")
    if not index.catalog.models:
        said.append("The catalog is empty: load it with manage.py load_catalog.")
    if not planners_of(question.engines):
        said.append("No engine is known here: nothing can be planned.")
    if question.workload.use_case == "vision" or "image" in question.workload.input_modalities:
        said.append("The image projector's memory (about 1 GiB on most models) is not in the sums.")
    return said
