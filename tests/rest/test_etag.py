"""Tags of rows through reads and changes, on the catalog and through gzip."""

from __future__ import annotations

import pytest
from django.test import Client

from catalog.models import Build, Model
from tests.support.catalog_api import LISTS, SMOL, bearer, change


def test_an_unchanged_model_is_not_sent_twice(reader):
    tag = reader.get(f"/api/v1/models/{SMOL}/")["ETag"]
    again = reader.get(f"/api/v1/models/{SMOL}/", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    Build.objects.get(key=f"{SMOL}:Q8_0").delete()
    assert reader.get(f"/api/v1/models/{SMOL}/", headers={"if-none-match": tag}).status_code == 200


def test_a_change_of_a_row_that_changed_meanwhile_is_refused(writer):
    tag = Client().get(f"/api/v1/models/{SMOL}/")["ETag"]
    Model.objects.filter(slug=SMOL).update(context_length=2048)
    response = change(writer, f"models/{SMOL}", {"context_length": 4096}, **{"if-match": tag})
    assert response.status_code == 412
    assert Model.objects.get(slug=SMOL).context_length == 2048


@pytest.mark.parametrize("name", LISTS)
def test_every_single_thing_has_a_tag_that_reads_and_changes_take(writer, name):
    all_scopes = bearer("read", "catalog")
    page = all_scopes.get(f"/api/v1/{name}/?limit=1").json()["results"]
    url = f"/api/v1/{name}/{page[0].get('slug') or page[0]['id']}/"
    tag = all_scopes.get(url)["ETag"]
    assert all_scopes.get(url, headers={"if-none-match": tag}).status_code == 304
    for method in ("PATCH", "PUT", "DELETE"):
        old = all_scopes.generic(method, url, "{}", "application/json", headers={"if-match": '"another"'})
        assert (old.status_code, old.json()["status"]) == (412, 412)
    same = all_scopes.generic("PATCH", url, "{}", "application/json", headers={"if-match": f'"another", {tag}'})
    assert same.status_code == 200
    assert all_scopes.generic("PATCH", url, "{}", "application/json", headers={"if-match": "*"}).status_code == 200
