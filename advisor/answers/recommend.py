"""The recommendation for a machine: ranked plans, and the reasons that the other models cannot run."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.answers.cache import Answer, keep_answer, known_answer
from advisor.answers.decision_document import decision_document, decision_head
from advisor.engines.installed import as_run_here
from advisor.files.local import builds_on_disk
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.rank import Ranking, rank
from advisor.question.parse import Question
from advisor.selectors.catalog import catalog_index
from advisor.selectors.local_files import with_local_files


def recommend(question: Question) -> Answer:
    """The decision for a question: ranked plans, rejected models with fixes, warnings.

    The same question on the same catalog and hardware gives the same bytes.
    """
    index = index_for(question)
    paths, question = builds_on_disk(index), as_run_here(question)
    head = decision_head(question, index)
    # Inputs that the digest does not cover: hardware figures left out of the document, files that came or went.
    told = tuple(question.reading.document["warnings"])
    key = (head["decision"], question.host, tuple(paths.items()), told)
    answer = known_answer(key)
    if answer is None:
        ranking = ranking_of(question, index, paths)
        document = decision_document(head, question, ranking, index, paths)
        answer = keep_answer(key, document, document["decision"])
    return answer


def index_for(question: Question) -> Index:
    """The catalog, and for what lies on this machine also the files there that it does not know."""
    index = catalog_index()
    return with_local_files(index) if question.on_disk else index


def ranking_of(question: Question, index: Index, paths: Mapping[str, str]) -> Ranking:
    return rank(
        index,
        question.host,
        question.workload,
        engines=question.engines,
        prefer=question.prefer,
        limit=question.limit,
        only_builds=frozenset(paths) if question.on_disk else None,
        expand=question.expand,
    )
