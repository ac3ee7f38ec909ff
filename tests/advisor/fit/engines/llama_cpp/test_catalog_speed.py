"""The speeds that the order of candidates is drawn up by are those that their exact plans come to."""

from __future__ import annotations

import pytest

from advisor.fit.engines.base import KINDS
from advisor.fit.engines.llama_cpp import planner
from advisor.fit.ranking.plans import best_plan_of
from advisor.fit.spec import Catalog, HostSpec, Plan, Workload
from tests.support.builds import card, machine, model

# Grouped, windowed, routed, latent attention, and with a state-space half.
MODELS = ("qwen3-32b", "gemma-3-27b-it", "qwen3-30b-a3b", "deepseek-v2-lite-chat", "falcon-h1-7b-instruct")


def both(slug: str, host: HostSpec, workload: Workload) -> tuple[Plan, float, float]:
    one = model(slug)
    found = planner.screen(planner.tabulate(Catalog(version="", models=(one,))), host, workload)
    kinds = KINDS[int(found.kind[0]) :]
    made = best_plan_of(planner, one, one.builds[0], host, workload, kinds=kinds)
    assert made is not None
    assert made.placement == kinds[0]
    return made, float(found.decode[0]), float(found.first_token[0])


@pytest.mark.parametrize("slug", MODELS)
@pytest.mark.parametrize(("tokens", "slots"), [(8192, 1), (32768, 4)])
@pytest.mark.parametrize("host", [machine(card(80)), machine(ram=128)], ids=["gpu", "cpu"])
def test_whole_on_one_place_the_screened_speed_is_the_plans(slug: str, tokens: int, slots: int, host: HostSpec) -> None:
    made, decode, first_token = both(slug, host, Workload(context=tokens, concurrency=slots))
    assert decode == pytest.approx(made.speed.decode.mid, rel=1e-6)
    assert first_token == pytest.approx(made.speed.first_token.mid, rel=1e-6)


@pytest.mark.parametrize("slug", ["qwen3-32b", "gemma-3-27b-it", "qwen3-30b-a3b"])
def test_where_a_part_lies_on_the_host_the_screened_speed_is_a_close_bound(slug: str) -> None:
    made, decode, _ = both(slug, machine(card(12)), Workload(context=16384))
    assert made.placement in ("experts_on_cpu", "partial")
    assert made.speed.decode.mid <= 1.02 * decode <= 1.3 * made.speed.decode.mid
