from __future__ import annotations

from django.http import QueryDict
from django.test import RequestFactory

from advisor.pages.query import filled_query, machine_query, with_picks


def test_blanks_of_a_form_are_not_part_of_the_question() -> None:
    query = filled_query(RequestFactory().get("/?hw=RTX+4090&context=&languages=+&compare=a&compare=&compare=b"))
    assert query.urlencode() == "hw=RTX+4090&compare=a&compare=b"


def test_picks_replace_those_that_were_there_and_leave_the_rest_alone() -> None:
    query = QueryDict("hw=RTX+4090&compare=a&compare=b")
    assert with_picks(query, ["b", "c"]) == "hw=RTX+4090&compare=b&compare=c"
    assert with_picks(query, []) == "hw=RTX+4090"
    assert query.getlist("compare") == ["a", "b"]


def test_a_link_to_another_page_carries_the_machine_and_the_use_and_nothing_else() -> None:
    query = QueryDict("compare=a&limit=5&use_case=coding&hw=2x+RTX+3090&price_per_kwh=0.3&context=32768")
    assert machine_query(query) == "?hw=2x+RTX+3090&use_case=coding&context=32768"
    assert machine_query(QueryDict("limit=5")) == ""
