"""Questions are kept as long as they may be launched by their decision, and no longer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from advisor import tasks
from advisor.answers import decisions
from advisor.models import Decision


@pytest.mark.django_db
def test_a_decision_is_forgotten_after_a_month() -> None:
    for digest, days in (("new", 0), ("young", decisions.KEPT_DAYS - 1), ("old", decisions.KEPT_DAYS + 1)):
        decisions.remember(digest.ljust(64, "0"), {"limit": 1})
        then = timezone.now() - timedelta(days=days)
        Decision.objects.filter(digest=digest.ljust(64, "0")).update(created=then)
    tasks.prune()
    assert sorted(row.digest.rstrip("0") for row in Decision.objects.all()) == ["new", "young"]
