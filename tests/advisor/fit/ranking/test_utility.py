from __future__ import annotations

from advisor.fit.ranking import utility
from advisor.fit.spec import Workload


def test_speed_saturates_at_the_need_and_nothing_makes_up_for_a_crawl():
    asked = Workload("chat")
    crawl, fine, fast = (utility.speed_part(asked, "balanced", rate) for rate in (0.3, 30.0, 300.0))
    assert crawl < 0.15
    assert fast - fine < 0.02
