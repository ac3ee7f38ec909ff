"""The article's claims beside the sums."""

from __future__ import annotations

import pytest

from advisor.answers.claims import article_claims

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def test_the_claims_stand_beside_the_sums_of_the_engine() -> None:
    rows = {row["slug"]: row for row in article_claims()["rows"]}
    weights = {slug: round(row["file_bytes"] / 1e9) for slug, row in rows.items()}
    assert weights == {"llama-3.1-70b-instruct": 75, "mistral-large-instruct-2407": 130, "deepseek-v3": 713}
    assert rows["llama-3.1-70b-instruct"]["per_token"] == 80 * 2 * 1024 * 2  # layers x (K + V) x 8 heads of 128 x f16
    for row in rows.values():
        assert row["total"] == row["weights"] + row["kv"] + row["compute"]
        assert row["machines"]
        assert all(machine["total_bytes"] > 0.95 * row["file_bytes"] for machine in row["machines"])
