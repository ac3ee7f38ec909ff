from __future__ import annotations

from advisor.answers.explain import reasons_for
from advisor.fit.ranking.catalog_arrays import Index
from advisor.fit.ranking.rank import rank
from advisor.fit.spec import Catalog, Workload
from tests.support.builds import card, machine, model


def test_a_result_explains_itself_in_figures():
    index, host = Index.of(Catalog("test", (model("qwen3-32b", commercial="conditions"),))), machine(card(24))
    workload = Workload(context=24576)
    (result,) = rank(index, host, workload).results
    told = " ".join(reasons_for(result, host, workload))
    for words in ("80 of 100", "75 to 85", "GiB of", "tokens/s", "q8_0", "under conditions"):
        assert words in told
