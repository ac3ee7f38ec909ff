"""Pages by cursor, on the lists of the catalog."""

from __future__ import annotations

import pytest

from catalog.models import Model
from tests.support.catalog_api import LISTS, LLAMA, bearer


def test_pages_follow_each_other_there_and_back(reader):
    every = [row["id"] for row in reader.get("/api/v1/evidence/?limit=500&ordering=-date").json()["results"]]
    seen, url, pages = [], "/api/v1/evidence/?limit=7&ordering=-date", []
    while url:
        page = reader.get(url).json()
        pages.append([row["id"] for row in page["results"]])
        seen += pages[-1]
        last, url = page, page["next"]
    assert seen == every
    back = reader.get(last["previous"]).json()
    assert [row["id"] for row in back["results"]] == pages[-2]


@pytest.mark.parametrize("ordering", ["released", "-released"])
def test_models_without_a_date_come_last_and_pages_still_hold(reader, ordering):
    Model.objects.filter(slug=LLAMA).update(released=None)
    seen, url = [], f"/api/v1/models/?limit=1&ordering={ordering}"
    while url:
        page = reader.get(url).json()
        seen += [row["slug"] for row in page["results"]]
        last, url = page, page["next"]
    assert len(seen) == 3
    assert seen[-1] == LLAMA
    assert reader.get(last["previous"]).json()["results"][0]["slug"] == seen[1]


def test_a_cursor_of_another_ordering_is_refused(reader):
    following = reader.get("/api/v1/models/?limit=1").json()["next"]
    assert reader.get(f"{following}&ordering=released").status_code == 400


def keys(page):
    return [row.get("id") or row["slug"] for row in page["results"]]


@pytest.mark.parametrize("name", LISTS)
def test_every_list_is_walked_by_its_cursor_and_back(writer, name):
    reader, pages = bearer("read"), []
    whole = keys(reader.get(f"/api/v1/{name}/").json())
    url = f"/api/v1/{name}/?limit=2"
    while url and len(pages) < 5:
        pages.append(reader.get(url).json())
        url = pages[-1]["next"]
    walked = [key for page in pages for key in keys(page)]
    assert walked == whole[: len(walked)]
    assert bool(url) == (len(whole) > len(walked))
    for page, before in zip(pages[1:], pages, strict=False):
        assert keys(reader.get(page["previous"]).json()) == keys(before)
