"""The places on the reference machines are those of their answers."""

from __future__ import annotations

import pytest

from advisor.answers import catalog_impact
from advisor.fit.ranking.rank import rank
from advisor.fit.spec import Workload
from advisor.selectors.catalog import catalog_index
from advisor.selectors.hosts import host_spec
from hardware.stated import stated


def test_there_are_three_reference_machines_from_a_laptop_to_a_server_each_with_its_question():
    found = catalog_impact.impact_machines()
    assert len(found) == 3
    sizes = [
        sum(device["memory_bytes"] for device in stated({"text": machine.hardware})["accelerators"])
        for machine in found
    ]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 30 * sizes[0]
    assert len({machine.use_case for machine in found}) == 3


@pytest.mark.django_db
@pytest.mark.usefixtures("seeded")
def test_the_places_are_those_of_the_answer():
    index = catalog_index()
    for machine, found in zip(catalog_impact.impact_machines(), catalog_impact.standings(index), strict=True):
        host = host_spec(stated({"text": machine.hardware}))
        asked = rank(index, host, Workload(machine.use_case, machine.context), limit=10)
        assert [r.plan.model.slug for r in asked.results] == list(found)[:10]
