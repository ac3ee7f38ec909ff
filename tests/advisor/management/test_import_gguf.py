"""`manage.py import_gguf`: a file on this machine becomes a build, exact to the byte."""

from __future__ import annotations

import hashlib
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from advisor.fit.architectures.computed_header import header
from catalog import importer, version
from catalog.models import Build, Model
from tests.support import hollow, hub_files

pytestmark = pytest.mark.django_db
SMOL = "smollm2-135m-instruct"


def write(path, quantization="Q4_K_M", model=SMOL, **kv):
    built = header(Model.objects.get(slug=model).architecture, quantization)
    return hollow.write(path, {**built.kv, **kv}, built.tensors, built.n_vocab)


def run(*arguments, **options):
    out = StringIO()
    call_command("import_gguf", *map(str, arguments), stdout=out, **{"model": SMOL, **options})
    return out.getvalue()


def test_a_dry_run_writes_nothing(loaded, tmp_path):
    before = version.current()
    shown = run(write(tmp_path / "SmolLM2-135M-Instruct.Q5_K_M.gguf", "Q5_K_M"))
    assert f"Build {SMOL}:Q5_K_M\n" in shown
    assert "basis: exact  [new; header of SmolLM2-135M-Instruct.Q5_K_M.gguf" in shown
    assert version.current() == before


def test_a_computed_build_becomes_exact(loaded, tmp_path):
    path = write(tmp_path / "smol-Q4_K_M.gguf")
    assert "basis: computed -> exact  [changes" in run(path, apply=True, sha256=True)
    build = Build.objects.get(key=f"{SMOL}:Q4_K_M")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert build.files == [{"path": path.name, "bytes": path.stat().st_size, "sha256": digest}]
    assert (build.basis, build.bytes) == ("exact", path.stat().st_size)
    assert build.sizes["arch"] == "llama"
    assert importer.row_origin(build) == "imported"
    assert "Nothing to change." in run(path, sha256=True)


def test_a_known_checksum_is_never_dropped_and_another_file_is_refused(loaded, tmp_path):
    path = write(tmp_path / "smol-Q4_K_M.gguf")
    run(path, apply=True, sha256=True)
    known = Build.objects.get(key=f"{SMOL}:Q4_K_M").files
    assert "0 rows written." in run(path, apply=True)  # without --sha256 it was null afterwards
    assert Build.objects.get(key=f"{SMOL}:Q4_K_M").files == known
    with path.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(CommandError, match="its checksum is another one"):
        run(path, apply=True)
    assert f"Build {SMOL}:Q4_K_M:acme/Smol" in run(path, apply=True, repo="acme/Smol")


def test_a_repository_makes_it_a_build_of_its_own(loaded, tmp_path):
    run(write(tmp_path / "smol-Q4_K_M.gguf"), repo="acme/Smol-GGUF", apply=True)
    assert Build.objects.get(key=f"{SMOL}:Q4_K_M:acme/Smol-GGUF").basis == "exact"
    assert Build.objects.get(key=f"{SMOL}:Q4_K_M").basis == "computed"


def test_the_header_says_the_quantization_where_the_name_does_not(loaded, tmp_path):
    run(write(tmp_path / "model.gguf", "Q8_0", **{"general.file_type": 7}), apply=True)
    assert Build.objects.get(key=f"{SMOL}:Q8_0").basis == "exact"
    with pytest.raises(CommandError, match="says its quantization; state it"):
        run(write(tmp_path / "other.gguf", "Q8_0"))
    assert f"Build {SMOL}:Q8_0" in run(tmp_path / "other.gguf", quantization="Q8_0")


def test_a_build_edited_here_is_kept(loaded, tmp_path):
    Build.objects.filter(key=f"{SMOL}:Q4_K_M").update(bytes=7, source="mine")
    assert "kept as edited here" in run(write(tmp_path / "smol-Q4_K_M.gguf"), apply=True)
    assert Build.objects.get(key=f"{SMOL}:Q4_K_M").bytes == 7


def test_a_build_deleted_here_stays_away_unless_asked(loaded, tmp_path):
    Build.objects.get(key=f"{SMOL}:Q4_K_M").delete()
    path = write(tmp_path / "smol-Q4_K_M.gguf")
    run(path, apply=True)
    assert not Build.objects.filter(key=f"{SMOL}:Q4_K_M").exists()
    run(path, apply=True, overwrite=True)
    assert Build.objects.filter(key=f"{SMOL}:Q4_K_M").exists()


def test_shards_make_one_build_and_a_missing_one_is_named(loaded, tmp_path):
    built = header(Model.objects.get(slug=SMOL).architecture, "Q8_0")
    parts = built.tensors[:100], built.tensors[100:]
    for number, tensors in enumerate(parts, 1):
        path = tmp_path / f"smol-Q8_0-{number:05d}-of-00002.gguf"
        hollow.write(path, built.kv if number == 1 else {"split.no": 1}, tensors, built.n_vocab)
    run(tmp_path / "smol-Q8_0-00001-of-00002.gguf", apply=True)
    build = Build.objects.get(key=f"{SMOL}:Q8_0")
    assert [file["path"][-19:] for file in build.files] == ["-00001-of-00002.gguf"[1:], "-00002-of-00002.gguf"[1:]]
    assert build.sizes["parameters"] == Model.objects.get(slug=SMOL).parameters_total
    (tmp_path / "smol-Q8_0-00002-of-00002.gguf").unlink()
    with pytest.raises(CommandError, match="1 of 2 shards are not beside the file, such as smol-Q8_0-00002"):
        run(tmp_path / "smol-Q8_0-00001-of-00002.gguf")


def test_another_models_file_is_refused(loaded, tmp_path):
    with pytest.raises(CommandError, match="is of another model"):
        run(hub_files.write_gguf(tmp_path / "tiny-Q4_K_M.gguf", "Q4_K_M"))


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "too short"), (b"PK" * 50, "not a GGUF file"), (None, "cannot be read")]
)
def test_what_is_no_gguf_file_is_a_sentence(loaded, tmp_path, content, words):
    path = tmp_path / "x-Q4_K_M.gguf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=words):
        run(path)


def test_an_unknown_model_is_a_sentence(loaded, tmp_path):
    path = write(tmp_path / "smol-Q4_K_M.gguf")
    with pytest.raises(CommandError, match="has no model 'nobody'"):
        run(path, model="nobody")
