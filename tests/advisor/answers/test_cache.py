from __future__ import annotations

import pytest

from advisor.answers import cache

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def test_answers_kept_are_bounded():
    for context in range(1024, 1024 + cache.MOST + 5):
        cache.cached(context, dict)
    assert len(cache._answers) == cache.MOST
