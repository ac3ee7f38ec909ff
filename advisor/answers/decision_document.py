"""The document of a decision, and the digest that identifies it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import orjson

from advisor.answers import shapes
from advisor.answers.cost import cost_document
from advisor.answers.documents import hardware_document, rejection_document, result_document
from advisor.answers.explain import reasons_for
from advisor.fit.engines.registry import planners_of
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.rank import Ranking
from advisor.fit.ranking.rejections import rejections
from advisor.fit.spec import FIT_VERSION, Result
from advisor.question.parse import Question
from advisor.selectors.hosts import reference_gpus


def decision_head(question: Question, index: Index) -> shapes.DecisionHead:
    """The part of a decision that is known before ranking; `decision` is the digest of the rest and of the body."""
    version, hardware = index.catalog.version, hardware_document(question.reading)
    content = orjson.dumps([question.asked, version, FIT_VERSION, hardware], option=orjson.OPT_SORT_KEYS, default=str)
    return {
        "decision": hashlib.sha256(content).hexdigest(),
        "catalog_version": version,
        "fit_version": FIT_VERSION,
        "hardware": hardware,
        "warnings": warnings(question, index),
    }


def decision_document(
    head: shapes.DecisionHead, question: Question, ranking: Ranking, index: Index, paths: Mapping[str, str]
) -> shapes.Decision:
    host, workload, limit = question.host, question.workload, question.rejected_limit
    refused = rejections(index, host, workload, ranking, gpus=reference_gpus(), limit=limit)
    return {
        "decision": head["decision"],
        "catalog_version": head["catalog_version"],
        "fit_version": head["fit_version"],
        "hardware": head["hardware"],
        "results": [explained_result(result, question, index, paths) for result in ranking.results],
        "rejected": [rejection_document(r) for r in refused],
        "warnings": head["warnings"],
    }


def explained_result(result: Result, question: Question, index: Index, paths: Mapping[str, str]) -> shapes.Result:
    """A result with its reasons, and its cost if the question states prices."""
    host, workload = question.host, question.workload
    document = result_document(result, host, paths, reasons_for(result, host, workload))
    if question.prices is not None:
        document["cost"] = cost_document(result, host, workload, index, question.prices)
    return document


def warnings(question: Question, index: Index) -> list[str]:
    said = [str(warning) for warning in question.reading.document["warnings"]]
    if question.host.ram_bytes is None:
        said.append("Main memory was not stated: only plans that live wholly on the accelerators are considered.")
    if not index.catalog.models:
        said.append("The catalog is empty: load it with manage.py load_catalog.")
    if not planners_of(question.engines):
        said.append("No engine is known here: nothing can be planned.")
    if question.workload.use_case == "vision" or "image" in question.workload.input_modalities:
        said.append("The image projector's memory (about 1 GiB on most models) is not in the sums.")
    return said
