from __future__ import annotations

from io import StringIO

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from catalog import importer, version
from catalog.models import Benchmark, Build, CatalogVersion, Evidence, Licence, Model, Withheld

pytestmark = pytest.mark.django_db
SMOL, LLAMA, NEWER = "smollm2-135m-instruct", "llama-3.1-70b-instruct", "llama-3.3-70b-instruct"


def run(folder, **options):
    out = StringIO()
    call_command("load_catalog", data=folder, stdout=out, **options)
    return out.getvalue()


def test_the_whole_seed_loads_and_every_model_has_its_evidence_and_successor():
    report = importer.load()
    assert Model.objects.count() == report.counts["Model"].seen >= 391
    assert Evidence.objects.count() == report.counts["Evidence"].seen > 4900
    assert Model.objects.get(slug=LLAMA).superseded_by.slug == NEWER
    assert Model.objects.filter(slug="mistral-large-instruct-2407").exists()
    assert Build.objects.count() == report.counts["Build"].seen
    assert not Benchmark.objects.filter(evidence__isnull=True).exists()


def test_a_second_run_on_the_same_data_writes_nothing(loaded, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert importer.load(loaded).unchanged


def test_a_fresh_load_of_the_same_data_gives_the_same_version(loaded, edit):
    first = version.current()
    for table in (Evidence, Build, Model, Benchmark, Licence):
        table.objects.all()._raw_delete("default")
    CatalogVersion.objects.all().delete()
    importer.load(loaded)
    assert version.current() == first


def test_a_changed_figure_reaches_the_row_and_moves_the_version(loaded, edit):
    before = version.current()
    edit(f"models/{LLAMA}.json", context_length=65536)
    report = importer.load(loaded)
    assert Model.objects.get(slug=LLAMA).context_length == 65536
    assert report.counts["Model"].updated == 1
    assert version.current() != before


def test_an_update_keeps_the_successor_that_the_seed_states(loaded, edit):
    edit(f"models/{LLAMA}.json", context_length=65536)
    importer.load(loaded)
    assert Model.objects.get(slug=LLAMA).superseded_by.slug == NEWER


def test_a_row_edited_here_is_kept_and_named(loaded, edit):
    Model.objects.filter(slug=LLAMA).update(context_length=8192)
    edit(f"models/{LLAMA}.json", context_length=65536)
    assert f"kept as edited here: {LLAMA}" in run(loaded)
    assert Model.objects.get(slug=LLAMA).context_length == 8192


def test_a_row_edited_here_stays_when_the_data_changes_elsewhere(loaded, edit):
    Model.objects.filter(slug=LLAMA).update(context_length=8192, superseded_by=None)
    edit(f"models/{SMOL}.json", family="Smol")
    assert "kept" not in run(loaded)
    assert Model.objects.get(slug=LLAMA).context_length == 8192
    assert Model.objects.get(slug=LLAMA).superseded_by is None


def test_overwrite_takes_the_side_of_the_data(loaded):
    Model.objects.filter(slug=LLAMA).update(context_length=8192)
    run(loaded, overwrite=True)
    assert Model.objects.get(slug=LLAMA).context_length == 131072


def test_an_edit_that_equals_the_new_data_is_no_conflict(loaded, edit):
    Model.objects.filter(slug=LLAMA).update(context_length=65536)
    edit(f"models/{LLAMA}.json", context_length=65536)
    assert "kept" not in run(loaded)


def test_builds_and_evidence_that_the_data_drops_go_unless_edited(loaded, edit):
    Build.objects.filter(key=f"{SMOL}:Q8_0").update(bytes=1)
    edit(f"builds/{SMOL}.json", builds=[])
    edit(f"models/{SMOL}.json", evidence=[])
    report = importer.load(loaded)
    assert list(Build.objects.values_list("key", flat=True)) == [f"{SMOL}:Q8_0"]
    assert report.counts["Build"].kept == [f"{SMOL}:Q8_0"]
    assert not Evidence.objects.filter(model__slug=SMOL).exists()
    assert not Withheld.objects.exists()


def test_a_model_that_the_data_drops_is_hidden_with_its_rows_kept(loaded):
    (loaded / "models" / f"{NEWER}.json").unlink()
    importer.load(loaded)
    assert Model.objects.get(slug=NEWER).status == "hidden"


def test_what_an_administrator_deleted_does_not_come_back(loaded, edit):
    Build.objects.get(key=f"{SMOL}:Q8_0").delete()
    Model.objects.get(slug=LLAMA).delete()
    edit(f"models/{SMOL}.json", family="Smol")
    report = importer.load(loaded)
    assert report.counts["Build"].withheld == 1
    assert not Model.objects.filter(slug=LLAMA).exists()
    assert not Evidence.objects.filter(model__slug=LLAMA).exists()
    importer.load(loaded, overwrite=True)
    assert Model.objects.filter(slug=LLAMA).exists()
    assert Evidence.objects.filter(model__slug=LLAMA).exists()
    assert Build.objects.filter(key=f"{SMOL}:Q8_0").exists()


def test_a_row_added_here_outlives_every_load(loaded, edit):
    Build.objects.create(
        model=Model.objects.get(slug=SMOL),
        key=f"{SMOL}:own",
        format="gguf",
        quantization="Q2_K",
        bytes=1,
        basis="exact",
    )
    edit(f"models/{SMOL}.json", family="Smol")
    importer.load(loaded, overwrite=True)
    assert Build.objects.filter(key=f"{SMOL}:own").exists()


def test_every_saved_or_deleted_row_moves_the_version(loaded):
    seen = {version.current()}
    for change in (
        lambda: Model.objects.get(slug=SMOL).save(),
        lambda: Evidence.objects.filter(model__slug=SMOL).first().delete(),
        lambda: Licence.objects.create(id="own", name="Own", commercial="yes"),
    ):
        change()
        seen.add(version.current())
    assert len(seen) == 4


def test_a_broken_file_is_named(loaded):
    (loaded / "models" / f"{SMOL}.json").write_text("{")
    with pytest.raises(CommandError, match=f"{SMOL}.json cannot be read"):
        call_command("load_catalog", data=loaded)


def test_a_failed_load_leaves_the_catalog_as_it_was(loaded, edit):
    before = version.current()
    edit(f"models/{SMOL}.json", family="Smol")
    broken = orjson.loads((loaded / "builds" / f"{SMOL}.json").read_bytes())
    broken["builds"][0]["bytes"] = -1
    edit(f"builds/{SMOL}.json", **broken)
    with pytest.raises(IntegrityError):
        importer.load(loaded)
    assert Model.objects.get(slug=SMOL).family == "SmolLM2"
    assert version.current() == before
