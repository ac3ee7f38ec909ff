from __future__ import annotations

import pytest

from tests.support.questions import asked

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def test_every_plan_says_its_licence_in_plain_words() -> None:
    for result in asked(limit=20)["results"]:
        (said,) = (reason for reason in result["reasons"] if "icence" in reason)
        words = {"yes": "is allowed.", "conditions": "under conditions", "no": "Not for commercial", None: "not known"}
        assert words[result["model"]["commercial"]] in said
        assert result["model"]["licence_conditions"] in said
