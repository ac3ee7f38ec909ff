"""Predictions against what real devices held."""

from __future__ import annotations

import re

import pytest

from advisor.answers.about import bounds
from advisor.fit.allowances import MIB, overhead_of
from advisor.fit.spec import Device
from tests.accuracy import need

LIMIT = bounds()["real devices"]
ADDRESS = re.compile(r"github:[\w.-]+/[\w.-]+@[0-9a-f]{7,40}:.+")  # repository, commit, file


@pytest.mark.parametrize("group", need.groups())
def test_the_median_error_of_every_group_of_rows_is_within_the_bar(group: str) -> None:
    assert need.median_error(need.groups()[group]) <= LIMIT["median"]


def test_all_rows_together_and_each_alone_stay_within_the_bar() -> None:
    kept = [row for row in need.rows() if not need.missed_some(row)]
    assert len(kept) >= LIMIT["rows"]
    assert need.median_error(kept) <= LIMIT["median"]
    assert max(abs(need.error(row)) for row in kept) <= LIMIT["worst"]


def test_every_row_names_the_public_file_that_it_was_read_from() -> None:
    assert [row["source"] for row in need.rows() if not ADDRESS.fullmatch(row["source"])] == []


def test_readings_that_are_left_out_are_few_and_cannot_be() -> None:
    left = [row for row in need.rows() if need.missed_some(row)]
    assert 0 < len(left) < len(need.rows()) / 20
    assert {row["group"] for row in left} == {"whole process, vulkan"}


@pytest.mark.parametrize("vendor", ["amd", "nvidia"])
def test_the_stated_range_of_the_overhead_covers_what_was_seen(vendor: str) -> None:
    figures = overhead_of(Device("", 0, 0, vendor=vendor, compute_capability=need.CAPABILITY.get(vendor)))
    whole = [row for row in need.rows() if row.get("vendor") == vendor and not need.missed_some(row)]
    seen = need.beyond(whole)
    assert figures.low / MIB - 1 <= seen[0]
    assert seen[-1] <= figures.high / MIB
