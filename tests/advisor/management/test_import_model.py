"""`manage.py import_model` against a hub on loopback that serves real files."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from advisor.selectors.catalog import catalog_index
from catalog import importer, version
from catalog.models import Build, Licence, Model
from tests.support import hub as fake
from tests.support import hub_files
from tests.support.hub_files import CONFIG, GGUF, NAME, SLUG, TOTAL

pytestmark = pytest.mark.django_db


@pytest.fixture
def hub(tmp_path, settings, loaded):
    with fake.running(fake.Hub()) as running:
        hub_files.publish(running, tmp_path)
        hub_files.publish_gguf(running, tmp_path)
        settings.HF_ENDPOINT, settings.HF_CDN_HOSTS = running.url, []
        settings.HUB_SECONDS, settings.HUB_REQUEST_SECONDS = 30, 10
        yield running


def run(*arguments, **options):
    out = StringIO()
    call_command("import_model", *arguments, stdout=out, **options)
    return out.getvalue()


def test_a_dry_run_shows_every_field_with_its_source_and_writes_nothing(hub):
    before = version.current()
    shown = run(NAME)
    assert f"parameters_total: {TOTAL}  [new; hub {NAME}@0123456789:*.safetensors, 20" in shown
    assert 'languages: ["en","de"]  [new; hub acme/Tiny-1B@0123456789:README.md' in shown
    assert "licence_id: apache-2.0" in shown
    assert "Nothing was written. --apply writes this." in shown
    assert not Model.objects.filter(slug=SLUG).exists()
    assert version.current() == before


def test_what_is_applied_is_a_whole_model_with_its_provenance_and_computed_builds(hub):
    assert "rows written" in run(NAME, apply=True)
    model = Model.objects.get(slug=SLUG)
    assert (model.hub_id, model.organisation, model.family, model.task) == (NAME, "acme", "llama", "generate")
    assert (model.parameters_total, model.context_length, model.native_dtype) == (TOTAL, 2048, "bf16")
    assert model.parameters_active == TOTAL - 1000 * 256
    assert model.architecture["n_kv_heads"] == 2
    assert model.released.isoformat() == "2026-10-02"
    assert model.provenance["parameters_total"].startswith(f"hub {NAME}@0123456789:*.safetensors, 20")
    assert model.provenance["confidence"] == "verified: recomputed total equals safetensors total"
    assert model.history.first().history_change_reason.startswith("import: hub acme/Tiny-1B")
    assert importer.row_origin(model) == "imported"
    builds = {build.quantization: build for build in model.builds.all()}
    assert builds["Q4_K_M"].basis == "computed"
    assert builds["Q4_K_M"].sizes
    assert any(spec.slug == SLUG for spec in catalog_index().catalog.models)


def test_a_second_import_finds_nothing_to_change(hub):
    run(NAME, gguf=[GGUF], apply=True)
    assert "Nothing to change." in run(NAME, gguf=[GGUF])


def test_gguf_headers_give_builds_exact_to_the_byte(hub, tmp_path):
    run(NAME, gguf=[GGUF], apply=True)
    build = Build.objects.get(key=f"{SLUG}:Q4_K_M:{GGUF}")
    size = (tmp_path / "Q4_K_M.gguf").stat().st_size
    assert (build.basis, build.bytes, build.files[0]["bytes"]) == ("exact", size, size)
    assert build.files[0]["path"] == "Tiny-1B-Q4_K_M.gguf"
    assert len(build.files[0]["sha256"]) == 64
    computed = Build.objects.get(key=f"{SLUG}:Q4_K_M")
    assert build.sizes["layers"] == computed.sizes["layers"]
    assert Model.objects.get(slug=SLUG).gguf_repos == [GGUF]
    assert not Build.objects.filter(key__contains="mmproj").exists()


def test_only_headers_travel(hub):
    run(NAME, gguf=[GGUF])
    ranges = [headers["range"] for path, headers in hub.asked if path.endswith((".safetensors", ".gguf"))]
    assert ranges
    assert len(ranges) == sum(path.endswith((".safetensors", ".gguf")) for path, _ in hub.asked)


def test_a_row_edited_here_keeps_what_it_says_unless_asked(hub):
    run(NAME, apply=True)
    model = Model.objects.get(slug=SLUG)
    model.context_length, model.native_dtype = 1024, ""
    model.save()
    shown = run(NAME, apply=True)
    assert "context_length: 1024 -> 2048  [kept as edited here" in shown
    model.refresh_from_db()
    assert (model.context_length, model.native_dtype) == (1024, "bf16")
    run(NAME, apply=True, overwrite=True)
    model.refresh_from_db()
    assert model.context_length == 2048


def test_a_changed_repository_changes_a_row_that_nobody_edited(hub, tmp_path):
    run(NAME, apply=True)
    hub_files.publish(hub, tmp_path, config={**CONFIG, "max_position_embeddings": 4096})
    assert "context_length: 2048 -> 4096  [changes" in run(NAME, apply=True)
    assert Model.objects.get(slug=SLUG).context_length == 4096


def test_the_next_seed_does_not_undo_an_import(hub, loaded, edit):
    Model.objects.filter(slug="smollm2-135m-instruct").update(hub_id=NAME, seed_digest="")
    run(NAME, apply=True, overwrite=True)
    edit("models/smollm2-135m-instruct.json", family="Smol")
    assert importer.load(loaded).counts["Model"].kept == ["smollm2-135m-instruct"]
    assert Model.objects.get(slug="smollm2-135m-instruct").parameters_total == TOTAL


def refused(words, *arguments, **options):
    before = version.current()
    with pytest.raises(CommandError, match=words) as caught:
        run(*arguments, apply=True, **options)
    assert version.current() == before
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"num_hidden_layers": 3}, "does not describe the files: its tensors add up to"),
        ({"num_hidden_layers": 1}, "describes .* parameters, but the files hold"),
        ({"intermediate_size": 256}, "describes .* parameters, but the files hold"),
        ({"model_type": None}, "does not say its model_type"),
        ({"num_attention_heads": 0}, "of zero, which cannot be"),
        ({"hidden_size": "big"}, "hidden_size must be a whole number"),
    ],
)
def test_a_configuration_that_is_not_of_these_files_is_refused(hub, tmp_path, change, words):
    hub_files.publish(hub, tmp_path, config={**CONFIG, **change})
    refused(words, NAME)


def test_blocks_that_only_draft_tokens_are_counted_apart(hub, tmp_path):
    config = {**CONFIG, "num_nextn_predict_layers": 1}
    hub_files.publish(hub, tmp_path, config=config, held=hub_files.tensors(layers=3))
    assert "verified: recomputed total" in run(NAME, apply=True)
    assert Model.objects.get(slug=SLUG).parameters_total > TOTAL


def test_a_layout_that_is_not_known_is_listed_and_promises_nothing(hub, tmp_path):
    hub_files.publish(hub, tmp_path, config={**CONFIG, "model_type": "brand_new"})
    shown = run(NAME, apply=True)
    assert "The tensor layout of brand_new models is not known. The model is listed, and nothing is promised" in shown
    assert Model.objects.get(slug=SLUG).builds.count() == 0


def test_a_small_difference_is_told(hub, tmp_path):
    extra = hub_files.tensors() | {"model.pooler.weight": ("BF16", (30, 256))}
    hub_files.publish(hub, tmp_path, held=extra)
    told = "The configuration accounts for 1,692,928 of the 1,700,608 parameters that the files hold, -0.45%."
    assert told in run(NAME)


def test_a_tower_is_counted_apart(hub, tmp_path):
    seen = hub_files.tensors() | {"vision_tower.patch_embed.weight": ("BF16", (512, 256))}
    config = {"model_type": "llava", "text_config": CONFIG, "vision_config": {"hidden_size": 256}}
    hub_files.publish(hub, tmp_path, config=config, held=seen)
    run(NAME, apply=True)
    model = Model.objects.get(slug=SLUG)
    assert model.input_modalities == ["text", "image"]
    assert model.architecture["vision_params"] == 512 * 256
    assert model.parameters_total == TOTAL + 512 * 256


def test_a_licence_that_the_catalog_does_not_know_is_named_and_not_guessed(hub):
    hub.about[NAME]["cardData"] = {"license": "other", "license_name": "acme-eula"}
    assert "The licence 'acme-eula' is not in the catalog" in run(NAME, apply=True)
    assert Model.objects.get(slug=SLUG).licence is None
    Licence.objects.create(id="acme-eula", name="Acme", commercial="no")
    run(NAME, apply=True)
    assert Model.objects.get(slug=SLUG).licence_id == "acme-eula"


def test_another_models_gguf_is_noted_and_left_out(hub, tmp_path):
    wrong = hub_files.write_gguf(tmp_path / "wrong.gguf", "Q6_K", num_hidden_layers=6)
    hub.files[GGUF]["Tiny-1B-Q6_K.gguf"] = wrong
    assert "Tiny-1B-Q6_K.gguf is of another model" in run(NAME, gguf=[GGUF], apply=True)
    assert not Build.objects.filter(key=f"{SLUG}:Q6_K:{GGUF}").exists()


def lie(path, **changes):
    return fake.write_safetensors(path, hub_files.tensors(), **changes)


LIES = {
    "a shape that is larger than its bytes": {
        "lm_head.weight": {"dtype": "BF16", "shape": [9999, 256], "data_offsets": [0, 2]}
    },
    "a tensor that overlaps": {"model.norm.weight": {"dtype": "BF16", "shape": [256], "data_offsets": [0, 512]}},
    "an unknown type": {"model.norm.weight": {"dtype": "Q9", "shape": [256], "data_offsets": [512000, 512512]}},
    "a negative place": {"model.norm.weight": {"dtype": "BF16", "shape": [256], "data_offsets": [-512, 0]}},
    "no place": {"model.norm.weight": {"dtype": "BF16", "shape": [256]}},
    "a list": {"model.norm.weight": []},
}


@pytest.mark.parametrize("name", LIES)
def test_weights_that_lie_are_refused(hub, tmp_path, name):
    hub.files[NAME] = {
        "config.json": hub.files[NAME]["config.json"],
        "model.safetensors": lie(tmp_path / "lie.safetensors", **LIES[name]),
    }
    refused(r"model.safetensors of acme/Tiny-1B is refused", NAME)


@pytest.mark.parametrize(
    ("part", "reply", "words"),
    [
        ("model-00002", fake.body(b"\xff" * 200_000), "range requests"),
        ("model-00002", fake.status(404), "not on the hub"),
        ("model-00002", fake.endless, "range requests|one answer"),
        ("config.json", fake.redirect("http://169.254.169.254/"), "none of the hosts"),
        ("index.json", fake.body(b'{"weight_map": {"a": "../../etc/passwd"}}'), "files that are not there"),
        ("index.json", fake.body(b'{"weight_map": []}'), "files that are not there"),
    ],
)
def test_a_hub_that_misbehaves_changes_nothing(hub, part, reply, words):
    hub.instead[part] = reply
    refused(words, NAME)


def test_a_size_that_the_hub_states_wrongly_is_found_out(hub):
    info = hub.info(NAME)
    for sibling in info["siblings"]:
        sibling["size"] += 1
    hub.instead["/api/models/"] = fake.body(json.dumps(info).encode())
    refused("is refused: The tensors end at byte|bytes of config.json", NAME)


def test_a_name_that_another_model_has_is_refused(hub):
    hub.add("other/SmolLM2-135M-Instruct", hub.files[NAME], pipeline_tag="text-generation")
    refused("The catalog's smollm2-135m-instruct is HuggingFaceTB/", "other/SmolLM2-135M-Instruct")


def test_what_is_no_language_model_is_refused(hub):
    hub.about[NAME]["pipeline_tag"] = "text-to-image"
    refused("none of the catalog's tasks", NAME)


def test_offline_is_a_plain_sentence(hub, settings):
    settings.HF_ENDPOINT = "http://127.0.0.1:1"
    refused("cannot be reached. Is this machine offline", NAME)
