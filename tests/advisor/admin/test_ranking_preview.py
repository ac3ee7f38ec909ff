"""What an edit in the admin changes in the rankings: shown before it is saved, said after, kept in the history."""

from __future__ import annotations

import csv
import io
import shutil

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from advisor.models import RankingChange
from advisor.selectors.catalog import model_names
from catalog import importer, seed, version
from catalog.models import Benchmark, Build, Evidence, Model
from tests.support.by_hand import ADD, ARCHITECTURE, added, fields

LONG = {"architecture": ARCHITECTURE.replace("8192", "65536"), "context_length": "65536"}
PREVIEW = reverse("admin:catalog_model_add_preview")


@pytest.fixture(scope="module")
def written(django_db_setup, django_db_blocker, tmp_path_factory):
    """A catalog of two models that differ in their names only, both in the answer of every reference machine."""
    folder = tmp_path_factory.mktemp("seed")
    (folder / "models").mkdir()
    for name in ("licences.json", "benchmarks.json"):
        shutil.copy(seed.DATA / name, folder / name)
    with django_db_blocker.unblock(), transaction.atomic():
        importer.load(folder)
        client = Client()
        client.force_login(User.objects.create_superuser("editor"))
        for slug in ("first", "second"):
            added(client, slug, **LONG)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def two(written, db, client):
    client.force_login(User.objects.get(username="editor"))
    return client


def url(table, page, *args):
    return reverse(f"admin:catalog_{table}_{page}", args=args)


def places(change, column):
    return [[row[column] and row[column]["name"] for row in machine["rows"]] for machine in change.machines]


def test_a_new_model_says_where_it_stands_and_its_history_keeps_it(two):
    told = two.post(ADD, fields("before-all", **LONG), follow=True).content.decode()
    assert "one RTX 4090, coding: Before-All new at 1; First from 1 to 2; Second from 2 to 3." in told
    change = RankingChange.objects.first()
    assert (change.user, change.what) == ("editor", "Model Before-All")
    assert places(change, "before") == [["First", "Second", None]] * 3
    assert places(change, "after") == [["Before-All", "First", "Second"]] * 3
    history = two.get(url("model", "history", Model.objects.get(slug="before-all").pk)).content.decode()
    address = reverse("admin:advisor_rankingchange_change", args=[change.pk])
    assert f'<a href="{address}">before and after</a>' in history
    assert "Before-All new at 1" in history
    shown = two.get(address).content.decode()
    assert "RTX 4060 laptop 8 GB, 16 GB RAM" in shown
    assert "from 1 to 2" in shown


def test_evidence_that_is_added_moves_its_model_up_and_taken_away_moves_it_down(two):
    benchmark = Benchmark.objects.filter(use_case="coding").first()
    sent = {
        **{"model": Model.objects.get(slug="second").pk, "benchmark": benchmark.pk, "value": "50"},
        **{"third_party": "on", "source": "a leaderboard", "source_licence": "MIT"},
    }
    two.post(url("evidence", "add"), sent)
    change = RankingChange.objects.first()
    assert places(change, "after")[1] == ["Second", "First"]
    assert places(change, "before")[1] == ["First", "Second"]
    pk = Evidence.objects.get(model__slug="second").pk
    told = two.post(url("evidence", "delete", pk), {"post": "yes"}, follow=True).content.decode()
    assert "First from 2 to 1" in told
    change = RankingChange.objects.first()
    assert change.what.startswith("Deleted: ")
    assert places(change, "after")[1] == ["First", "Second"]


def test_a_build_that_is_gone_and_a_model_that_is_hidden_are_told_too(two):
    used = RankingChange.objects.first().machines[0]["rows"][0]["after"]["quantization"]
    build = Build.objects.get(model__slug="first", quantization=used)
    told = two.post(url("build", "delete", build.pk), {"post": "yes"}, follow=True).content.decode()
    assert f"instead of {used}" in told
    hide = {"action": "hide", "_selected_action": [Model.objects.get(slug="first").pk]}
    told = two.post(url("model", "changelist"), hide, follow=True).content.decode()
    assert "First no longer in the answer, was" in told
    assert RankingChange.objects.first().what == "Several models"


def test_an_edit_that_moves_nothing_says_so_and_a_refused_one_leaves_no_trace(two):
    count = RankingChange.objects.count()
    model = Model.objects.get(slug="first")
    refused = two.post(url("model", "change", model.pk), fields("first", name="", **LONG))
    assert refused.status_code == 200
    assert RankingChange.objects.count() == count
    told = two.post(url("model", "change", model.pk), fields("first", ollama_tag="first", **LONG), follow=True)
    assert "a laptop, general: no change." in told.content.decode()
    assert RankingChange.objects.count() == count + 1


def test_the_preview_shows_what_saving_would_move_and_writes_nothing(two):
    before, trails = version.current(), RankingChange.objects.count()
    answer = two.post(PREVIEW, fields("before-all", **LONG), headers={"HX-Request": "true"}).content.decode()
    assert "This can be saved." in answer
    assert "Before-All" in answer
    assert "new at 1" in answer
    assert answer.count('<div class="module rankings">') == 3
    assert version.current() == before
    assert not Model.objects.filter(slug="before-all").exists()
    assert not Build.objects.filter(model__slug="before-all").exists()
    assert RankingChange.objects.count() == trails
    assert "before-all" not in model_names()
    two.post(ADD, fields("before-all", **LONG))
    assert places(RankingChange.objects.first(), "after") == [["Before-All", "First", "Second"]] * 3


def test_the_preview_without_javascript_is_a_page_and_says_what_is_wrong(two):
    page = two.post(PREVIEW, fields("before-all", **LONG)).content.decode()
    assert "nothing is written yet" in page
    assert "hx-swap-oob" not in page
    wrong = two.post(PREVIEW, fields("Before All", **LONG)).content.decode()
    assert "Use lower-case letters" in wrong
    assert 'class="module rankings"' not in wrong


def test_who_may_read_models_may_read_what_moved_and_nobody_may_change_it(two, client):
    change = RankingChange.objects.first()
    address = reverse("admin:advisor_rankingchange_change", args=[change.pk])
    reader = User.objects.create_user("reader", is_staff=True)
    client.force_login(reader)
    assert client.get(address).status_code == 403
    reader.user_permissions.set(Permission.objects.filter(codename="view_model"))
    client.force_login(User.objects.get(pk=reader.pk))
    assert client.get(address).status_code == 200
    assert client.post(address, {}).status_code == 403
    assert client.post(PREVIEW, fields("x")).status_code == 403


def test_an_import_of_a_table_says_what_it_moved(two):
    benchmark = Benchmark.objects.filter(use_case="coding").first()
    row = {
        **{"model": "second", "benchmark": benchmark.name, "version": benchmark.version, "metric": benchmark.metric},
        **{"use_case": "coding", "value": "50", "date": "", "variant": "", "third_party": "1"},
        **{"source": "a leaderboard", "source_licence": "MIT"},
    }
    upload = io.StringIO()
    csv.writer(upload).writerows([row, row.values()])
    file = io.BytesIO(upload.getvalue().encode())
    file.name = "evidence.csv"
    page = two.post(url("evidence", "import"), {"format": "0", "import_file": file})
    count = RankingChange.objects.count()
    two.post(url("evidence", "process_import"), page.context["confirm_form"].initial)
    assert RankingChange.objects.count() == count + 1
    change = RankingChange.objects.first()
    assert (change.what, change.record) == ("Several evidence", None)
    assert places(change, "after")[1] == ["Second", "First"]
