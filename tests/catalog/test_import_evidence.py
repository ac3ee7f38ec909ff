"""`manage.py import_evidence`: leaderboard files in, by a table of names; what is not in the table is said."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog import importer, leaderboard, seed, version
from catalog.models import Benchmark, Evidence, Model

LIVEBENCH = Path(__file__).parent / "data" / "livebench.csv"  # rows of public/table_2026_01_08.csv, facts only
BOARD = "livebench-2026-01-08"
SHIPPED = "github:LiveBench/livebench.github.io@4bf96c8:public/table_2026_01_08.csv"
MODEL = "deepseek-v3.2"


@pytest.fixture
def catalog(loaded):
    """The small catalog, and a model with LiveBench figures of its own."""
    for slug in (MODEL, "deepseek-v3.2-exp", "gpt-oss-120b"):
        shutil.copy(seed.DATA / "models" / f"{slug}.json", loaded / "models")
    importer.load(loaded)
    return loaded


def run(file, board=BOARD, **options):
    out = StringIO()
    call_command("import_evidence", str(file), board=board, stdout=out, **options)
    return out.getvalue()


def figure(**fields):
    return Evidence.objects.get(model__slug=MODEL, variant=MODEL, benchmark__name="LiveBench Coding", **fields)


def test_the_file_that_the_seed_was_made_from_changes_nothing(catalog):
    shown = run(LIVEBENCH, date="2026-01-08", source=SHIPPED, apply=True)
    assert "Nothing to change." in shown
    assert "4 names are not in the table" in shown
    assert "  claude-4-1-opus-20250805-base" in shown
    assert "  glm-4.7 (glm-4.7 is not in this catalog)" in shown


def test_a_dry_run_shows_and_an_import_writes_with_a_trace(catalog):
    Evidence.objects.all()._raw_delete("default")
    before = version.current()
    shown = run(LIVEBENCH, date="2026-01-08", source=SHIPPED)
    assert "Evidence: 40 new." in shown
    assert f"new: {MODEL} LiveBench Coding 2026-01-08" in shown
    assert "Nothing was written." in shown
    assert Evidence.objects.count() == 0
    assert version.current() == before
    run(LIVEBENCH, date="2026-01-08", source=SHIPPED, apply=True)
    row = figure()
    assert (row.value, row.date.isoformat(), row.source, row.third_party) == (75.689, "2026-01-08", SHIPPED, True)
    assert row.history.first().history_change_reason == f"evidence: {SHIPPED}"[:100]
    assert importer.row_origin(row) == "imported"
    assert version.current() != before


def test_a_new_release_adds_its_version_beside_the_old_one(catalog):
    shown = run(LIVEBENCH, date="2026-11-20", apply=True)
    assert "Benchmark: 8 new." in shown
    added = Benchmark.objects.get(name="LiveBench Coding", version="2026-11-20")
    assert added.measures == Benchmark.objects.filter(name="LiveBench Coding").first().measures
    assert Evidence.objects.filter(model__slug=MODEL, benchmark=added, variant=MODEL).count() == 1


def test_a_figure_edited_here_is_kept_and_named(catalog, tmp_path):
    row = figure(benchmark__version="2026-01-08")
    row.value = 11.0
    row.save()
    shown = run(LIVEBENCH, date="2026-01-08", source=SHIPPED, apply=True)
    assert f"kept as edited here: {MODEL} LiveBench Coding 2026-01-08" in shown
    assert Evidence.objects.get(pk=row.pk).value == 11.0
    run(LIVEBENCH, date="2026-01-08", source=SHIPPED, apply=True, overwrite=True)
    assert Evidence.objects.get(pk=row.pk).value == 75.689


def test_the_source_corrects_a_figure_that_nobody_edited(catalog, tmp_path):
    changed = tmp_path / "table.csv"
    changed.write_text(LIVEBENCH.read_text().replace("deepseek-v3.2,95.0,73.913", "deepseek-v3.2,95.0,70.0"))
    assert "Evidence: 2 changed." in run(changed, date="2026-01-08", source=SHIPPED, apply=True)
    assert figure(benchmark__version="2026-01-08").value == 73.7325


AIDER = {
    "model": "DeepSeek-V3.2-Exp (Chat)",
    "edit_format": "diff",
    "pass_rate_2": 70.2,
    "date": "2025-10-03",
    "versions": "0.86.2.dev",
}


@pytest.mark.parametrize("ending", ["json", "yml", "yaml", "csv"])
def test_every_format_gives_the_same_figure(catalog, tmp_path, ending):
    file = tmp_path / f"board.{ending}"
    line = ",".join(AIDER) + "\n" + ",".join(map(str, AIDER.values()))
    yaml = "- " + "\n  ".join(f"{key}: {value}" for key, value in AIDER.items())
    file.write_text({"json": json.dumps([AIDER]), "csv": line}.get(ending, yaml))
    run(file, "aider-polyglot", source="test", apply=True)
    row = Evidence.objects.get(source="test")
    assert (row.value, row.variant) == (70.2, "DeepSeek-V3.2-Exp (Chat); edit format diff")
    assert (row.benchmark.version, row.model.slug) == ("aider 0.86.2.dev", "deepseek-v3.2-exp")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pass_rate_2": "n/a"}, "is 'n/a', not a number"),
        ({"pass_rate_2": None}, "is None, not a number"),
        ({"pass_rate_2": float("nan")}, "is nan, not a number"),
        ({"pass_rate_2": True}, "is True, not a number"),
        ({"pass_rate_2": 7020}, "is 7020, not within 0 to 100"),
        ({"model": "DeepSeek-V3.2-Exp"}, "1 names are not in the table"),
        ({"model": ["x"]}, "1 names are not in the table"),
    ],
)
def test_what_cannot_be_used_is_left_out_and_said(catalog, tmp_path, change, words):
    file = tmp_path / "board.json"
    file.write_text(json.dumps([AIDER | change]))
    assert words in run(file, "aider-polyglot", source="test", apply=True)
    assert not Evidence.objects.filter(source="test").exists()


def test_a_column_that_is_not_there_is_named(catalog, tmp_path):
    file = tmp_path / "board.json"
    file.write_text(json.dumps([{key: value for key, value in AIDER.items() if key != "pass_rate_2"}]))
    assert "Aider polyglot needs pass_rate_2, which is not there." in run(file, "aider-polyglot")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("b.json", "{", "not what its name's ending says"),
        ("b.json", "{}", "not a list of at most"),
        ("b.json", "[1]", "not a list of at most"),
        ("b.yml", "- !!python/object/apply:os.system ['true']", "not what its name's ending says"),
        ("b.yml", "a: [", "not what its name's ending says"),
        ("b.txt", "x", "ends in .csv, .json, .yml or .yaml"),
        ("b.csv", "\0", "1 names|not what|Nothing"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_sentence(catalog, tmp_path, name, content, words):
    (tmp_path / name).write_text(content)
    try:
        told = run(tmp_path / name, "aider-polyglot")
    except CommandError as error:
        told = str(error)
    assert any(word in told for word in words.split("|"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"board": "nobody"}, "The table knows aider-polyglot, aider-edit, livebench-2026-01-08, and no 'nobody'."),
        ({"board": BOARD}, "give it with --date"),
    ],
)
def test_what_is_missing_is_asked_for(catalog, options, words):
    with pytest.raises(CommandError, match=words.replace(".", r"\.")):
        run(LIVEBENCH, **options)


def test_a_date_that_is_none_is_a_sentence(catalog, tmp_path):
    file = tmp_path / "board.json"
    file.write_text(json.dumps([AIDER | {"date": "last week"}]))
    with pytest.raises(CommandError, match="is 'last week', not a day such as"):
        run(file, "aider-polyglot")


def test_the_committed_table_names_models_and_benchmarks_of_the_seed():
    slugs = {path.stem for path in (seed.DATA / "models").glob("*.json")}
    kinds = {(row["name"], row["metric"], row["use_case"]) for row in seed.benchmarks()}
    for board in leaderboard.boards().values():
        assert set(board["models"].values()) <= slugs
        assert {(f["benchmark"], f["metric"], f["use_case"]) for f in board["figures"]} <= kinds
        assert all(("columns" in figure) != ("mean_of" in figure) for figure in board["figures"])


def test_models_are_not_touched_by_an_import_of_evidence(catalog):
    before = list(Model.objects.values())
    run(LIVEBENCH, date="2026-11-20", apply=True)
    assert list(Model.objects.values()) == before
