"""The whole seed catalog, ready to be asked, read into the database once for all modules and rolled back."""

from __future__ import annotations

import pytest
from django.db import transaction

from advisor.fit.ranking.catalog_arrays import Index
from advisor.selectors.catalog import load_catalog
from tests.support.seed import put_seed


@pytest.fixture(scope="session")
def seeded_index(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Index:
    with django_db_blocker.unblock(), transaction.atomic():  # type: ignore[attr-defined]
        put_seed()
        index = Index.of(load_catalog("seed"))
        transaction.set_rollback(True)
    return index
