"""Tags of rows through reads and changes, on the catalog and through gzip."""

from __future__ import annotations

import pytest
from django.test import Client

from advisor.api import tokens
from catalog.models import Build, Licence, Model
from tests.support.catalog_api import LISTS, SMOL, bearer, change
from tests.support.problems import HERE, problem

pytestmark = pytest.mark.django_db
OWN = "/api/v1/licences/own/"
JSON = "application/json"


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


@pytest.fixture
def editor() -> Client:
    Licence.objects.create(id="own", name="Own", commercial="no", conditions="Some words of it. " * 30)
    token = tokens.create_token(name="x", scopes=["read", "catalog"])
    return Client(headers={"authorization": f"Bearer {token}"}, **HERE)


def test_a_tag_works_through_gzip(editor: Client) -> None:
    """What packs an answer weakens its tag; the client sends back what it got."""
    packed = {"accept-encoding": "gzip"}
    first = editor.get(OWN, headers=packed)
    assert (first["Content-Encoding"], first["ETag"][:3]) == ("gzip", 'W/"')
    assert editor.get(OWN, headers=packed | {"if-none-match": first["ETag"]}).status_code == 304
    changed = editor.patch(OWN, {"name": "New"}, JSON, headers=packed | {"if-match": first["ETag"]})
    assert changed.status_code == 200
    assert editor.patch(OWN, {"name": "Newer"}, JSON, headers=packed | {"if-match": first["ETag"]}).status_code == 412
    assert editor.patch(OWN, {"name": "Newer"}, JSON, headers=packed | {"if-match": changed["ETag"]}).status_code == 200


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
@pytest.mark.parametrize("tag", ["", "nope", "'x'", '"unclosed', '"another"', 'W/"another"'])
def test_a_condition_that_names_no_tag_of_the_row_changes_nothing(editor: Client, method: str, tag: str) -> None:
    body = {"id": "own", "name": "New", "commercial": "no"}
    problem(getattr(editor, method)(OWN, body, JSON, headers={"if-match": tag}), 412)
    assert Licence.objects.get(pk="own").name == "Own"


def test_whatever_there_is_is_known_to_who_says_so(editor: Client) -> None:
    assert editor.get(OWN, headers={"if-none-match": "*"}).status_code == 304
    assert editor.get(OWN, headers={"if-none-match": "nope"}).status_code == 200
