"""No figure that a test does not hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from advisor.answers import about
from bench import quality
from tests.plugin.berth import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


@pytest.mark.parametrize("name", about.bounds())
def test_every_bound_is_read_by_the_test_that_is_named(name: str) -> None:
    bound = about.bounds()[name]
    code = (ROOT / bound["test"]).read_text(encoding="utf-8")
    kind = name.partition(", ")[2]
    assert f'bounds()["{name}"]' in code or ('bounds()[f"llama.cpp, {kind}"]' in code and f'"{kind}"' in code)
    for key in bound.keys() - {"what", "against", "test"}:
        assert f'"{key}"' in code, f"{bound['test']} does not hold {key} of {name}."


def test_every_figure_of_a_bound_is_said() -> None:
    said = {"what", "against", "test", "rows", *about.SENTENCES}
    assert all(bound.keys() <= said for bound in about.bounds().values())


def test_the_digest_of_the_rank_correlation_changes_with_a_single_score() -> None:
    models, rows = quality.catalog()
    (slug, first), *others = rows
    same = quality.digest(models, [*others, (slug, first)])
    assert same == quality.digest(models, rows)
    assert quality.digest(models, [(slug, replace(first, value=first.value + 1)), *others]) != same
    assert quality.digest(models[1:], rows) != same
