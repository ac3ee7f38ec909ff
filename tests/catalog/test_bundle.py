"""A catalog in one signed file: out of one installation, into another, and never over an edit unasked."""

from __future__ import annotations

import gzip
import hmac
from io import StringIO

import orjson
import pytest
from django.core.management import CommandError, call_command

from catalog import bundle, importer, version
from catalog.models import Benchmark, Build, CatalogVersion, Evidence, Licence, Model
from catalog.three_way import plain, row_digest

SMOL, LLAMA = "smollm2-135m-instruct", "llama-3.1-70b-instruct"
KEY = "a secret of more than thirty-two characters"
TABLES = (Evidence, Build, Model, Benchmark, Licence)


@pytest.fixture(autouse=True)
def secret(settings):
    settings.BUNDLE_KEY = KEY


@pytest.fixture
def exported(loaded, tmp_path):
    """A bundle of the small catalog with an edit, an own licence and an own build."""
    licence = Licence.objects.create(id="own", name="Own", commercial="no")
    model = Model.objects.get(slug=SMOL)
    model.family, model.licence = "Smol", licence
    model.save()
    Build.objects.create(
        model=model, key=f"{SMOL}:Q6_K", format="gguf", quantization="Q6_K", bytes=99, basis="computed", source="own"
    )
    path = tmp_path / "catalog.bundle"
    call_command("export_catalog", str(path), stdout=StringIO())
    return path


@pytest.fixture
def elsewhere(exported, loaded):
    """Another installation: the same seed, nothing edited."""
    for table in TABLES:
        table.objects.all()._raw_delete("default")
    CatalogVersion.objects.all().delete()
    importer.load(loaded)
    return exported


def run(path, **options):
    out = StringIO()
    call_command("import_catalog", str(path), stdout=out, **options)
    return out.getvalue()


def everything():
    return {table.__name__: sorted(row_digest(map(plain, row)) for row in importer_rows(table)) for table in TABLES}


def importer_rows(table):
    found = next(t for t in importer.TABLES if t.model is table)
    return table.objects.values_list(*found.columns)


def test_a_bundle_makes_another_installation_say_the_same(exported, loaded):
    here = everything()
    for table in TABLES:
        table.objects.all()._raw_delete("default")
    CatalogVersion.objects.all().delete()
    importer.load(loaded)
    assert everything() != here
    run(exported, apply=True)
    assert everything() == here
    assert "Nothing to change." in run(exported)


def test_a_row_made_in_the_admin_with_words_left_out_travels_too(exported, loaded, tmp_path):
    benchmark = Benchmark.objects.create(name="Own", metric="%", use_case="chat")
    Evidence.objects.create(
        model=Model.objects.get(slug=SMOL), benchmark=benchmark, value=1, third_party=True, source="own"
    )
    path = tmp_path / "own.bundle"
    call_command("export_catalog", str(path), stdout=StringIO())
    benchmark.evidence.all()._raw_delete("default")
    Benchmark.objects.filter(pk=benchmark.pk)._raw_delete("default")
    run(path, apply=True)
    assert Evidence.objects.get(benchmark__name="Own").value == 1


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(elsewhere):
    before, rows = version.current(), everything()
    shown = run(elsewhere)
    assert "Licence: 1 new." in shown
    assert f"changed: {SMOL}" in shown
    assert f"new: {SMOL}:Q6_K" in shown
    assert "Nothing was written. --apply writes this." in shown
    assert (version.current(), everything()) == (before, rows)


def test_what_it_wrote_has_a_trace_and_moves_the_version(elsewhere):
    before = version.current()
    run(elsewhere, apply=True)
    model = Model.objects.get(slug=SMOL)
    assert model.history.first().history_change_reason.startswith("bundle ")
    assert importer.row_origin(model) == "imported"
    assert version.current() != before
    assert not Model.objects.get(slug=LLAMA).history.exists()


def test_an_edit_made_here_is_kept_and_named_unless_asked(elsewhere):
    Model.objects.filter(slug=SMOL).update(family="Mine")
    assert f"kept as edited here: {SMOL}" in run(elsewhere, apply=True)
    assert Model.objects.get(slug=SMOL).family == "Mine"
    run(elsewhere, apply=True, overwrite=True)
    assert Model.objects.get(slug=SMOL).family == "Smol"


def test_the_next_bundle_may_change_what_the_last_one_wrote(elsewhere, tmp_path):
    run(elsewhere, apply=True)
    content = everything()
    other = tmp_path / "other.bundle"
    Model.objects.filter(slug=SMOL).update(family="Newer")
    call_command("export_catalog", str(other), stdout=StringIO())
    Model.objects.filter(slug=SMOL).update(family="Smol")
    assert everything() == content
    run(other, apply=True)
    assert Model.objects.get(slug=SMOL).family == "Newer"


def test_a_start_with_the_same_seed_leaves_a_bundle_in_place_and_a_newer_seed_names_it(elsewhere, loaded, edit):
    run(elsewhere, apply=True)
    assert importer.load(loaded).unchanged
    edit(f"models/{SMOL}.json", context_length=4096)
    assert importer.load(loaded).counts["Model"].kept == [SMOL]
    assert Model.objects.get(slug=SMOL).family == "Smol"


def test_a_bundle_takes_nothing_away(elsewhere):
    Model.objects.create(
        slug="own-model", name="Own", hub_id="own/model", organisation="Own", family="Own", input_modalities=["text"]
    )
    run(elsewhere, apply=True, overwrite=True)
    assert Model.objects.get(slug="own-model").status == "active"


def test_what_was_deleted_here_stays_away(elsewhere):
    Build.objects.get(key=f"{SMOL}:Q8_0").delete()
    assert "1 withheld" in run(elsewhere, apply=True)
    assert not Build.objects.filter(key=f"{SMOL}:Q8_0").exists()
    run(elsewhere, apply=True, overwrite=True)
    assert Build.objects.filter(key=f"{SMOL}:Q8_0").exists()


# ---------------------------------------------------------------- trust


def refused(path, words, **options):
    before = everything()
    with pytest.raises(CommandError, match=words) as caught:
        run(path, apply=True, overwrite=True, **options)
    assert str(caught.value).endswith(".")
    assert everything() == before


def test_another_key_is_refused(elsewhere, settings):
    settings.BUNDLE_KEY = KEY[::-1]
    refused(elsewhere, "signature is not of this key")


@pytest.mark.parametrize("short", ["", "short"])
def test_without_a_key_nothing_goes_out_or_in(elsewhere, settings, tmp_path, short):
    settings.BUNDLE_KEY = short
    refused(elsewhere, "BERTH_BUNDLE_KEY is not set")
    with pytest.raises(CommandError, match="BERTH_BUNDLE_KEY is not set"):
        call_command("export_catalog", str(tmp_path / "x"))
    assert not (tmp_path / "x").exists()


def changed(path, change):
    parts = path.read_bytes().split(b"\n", 2)
    path.write_bytes(b"\n".join(change(*parts)))
    return path


TOUCHED = {
    "the body": lambda head, mark, body: (head, mark, body[:-1] + bytes([body[-1] ^ 1])),
    "the head": lambda head, mark, body: (head.replace(b"20", b"19", 1), mark, body),
    "the signature": lambda head, mark, body: (head, mark[::-1], body),
    "no signature": lambda head, mark, body: (head, b"", body),
    "a signature that is no text": lambda head, mark, body: (head, b"\xff" * 64, body),
    "cut short": lambda head, mark, body: (head, mark, body[:100]),
    "no bundle": lambda head, mark, body: (b"PK", b"", b""),
}


@pytest.mark.parametrize("name", TOUCHED)
def test_a_bundle_that_was_touched_is_refused_before_it_is_unpacked(elsewhere, name):
    refused(changed(elsewhere, TOUCHED[name]), "signature|no catalog bundle")


def signed(path, files, about=None):
    head = orjson.dumps(about or {"format": bundle.FORMAT, "created": "2026-11-25", "catalog_version": "x"})
    body = gzip.compress(orjson.dumps(files))
    mark = hmac.new(KEY.encode(), head + b"\n" + body, "sha256").hexdigest().encode()
    path.write_bytes(b"\n".join((head, mark, body)))
    return path


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"../../etc/passwd": {}}, "no file of a catalog"),
        ({"models/../x.json": {}}, "no file of a catalog"),
        ({"models/x.json": {"slug": "x"}}, "is a required property"),
        ({"models/x.json": []}, "is not of type 'object'"),
        ({"licences.json": [{"id": "x"}]}, "is a required property"),
        ({"builds/x.json": {"slug": "x", "builds": [{"key": "x"}]}}, "is a required property"),
        ({"builds/x.json": 7}, "is not the shape of a catalog's"),
        ([], "is not the shape of a catalog's"),
        ({"models/only.json": {}}, "is a required property"),
    ],
)
def test_a_signed_bundle_is_still_held_to_the_schemas(elsewhere, tmp_path, files, words):
    refused(signed(tmp_path / "b", files), words)


def test_another_format_is_named(elsewhere, tmp_path):
    refused(signed(tmp_path / "b", {}, {"format": "berth-catalog-bundle/9"}), "format is 'berth-catalog-bundle/9'")


def test_a_bundle_that_unpacks_without_end_is_cut(elsewhere, tmp_path, monkeypatch):
    monkeypatch.setattr(bundle, "MAX_UNPACKED", 1 << 10)
    refused(elsewhere, "unpacks to more than")


def test_an_export_does_not_write_over_a_file(exported):
    with pytest.raises(CommandError, match="cannot be written: file exists"):
        call_command("export_catalog", str(exported))


def test_a_missing_file_is_a_sentence(loaded, tmp_path):
    refused(tmp_path / "none", "none cannot be read")
