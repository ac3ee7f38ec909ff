"""A launch from queued to its end, with real child processes."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from advisor.fit.spec import BuildSpec, Rejection
from advisor.launch import engine_health, process, queue, reconciler
from advisor.launch import steps as steps_module
from advisor.launch.document import launch_document
from advisor.launch.engine_process import log_tail
from advisor.launch.reconciler import reconcile, time
from advisor.launch.refused import LaunchRefused
from advisor.launch.transitions import stop_launch
from advisor.models import Launch
from advisor.selectors.hosts import Placed
from hardware.models import Accelerator, Reservation
from rest import logs
from tests.launch.conftest import GIB, Enqueue, make_plan, until, who

Fake = Callable[..., None]


def held() -> int:
    total = sum(Accelerator.objects.values_list("reserved_bytes", flat=True))
    assert sum(Reservation.objects.values_list("bytes", flat=True)) == total
    return total


def test_a_launch_starts_serves_and_stops_and_leaves_nothing(fake: Fake, enqueue: Enqueue) -> None:
    launch = enqueue()
    assert (launch.status, held()) == ("queued", GIB)
    until(launch, "ready")
    document = launch_document(launch)
    assert document["endpoint"] == f"http://127.0.0.1:{launch.port}/v1"
    assert document["measured"]["decode_tokens_per_second"] == 50.0
    assert document["measured"]["host"]["buffers"] == {"weights": 10 << 20, "kv": 0, "compute": 0}
    assert document["measured"]["total_bytes"] == document["measured"]["host"]["total"] > 5_000_000
    stop_launch(launch.pk)
    until(launch, "stopped")
    assert not process.alive(who(launch))
    assert held() == 0
    steps = [(e["from"], e["to"]) for e in launch_document(launch)["events"]]
    assert steps == [("queued", "starting"), ("starting", "ready"), ("ready", "stopping"), ("stopping", "stopped")]


def test_the_engine_sees_no_gpu_that_was_not_planned_and_no_secret(
    fake: Fake, enqueue: Enqueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "not for engines")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    launch = until(enqueue(), "ready")
    assert "visible: '' secret: None" in log_tail(launch.pk)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("ggml_backend_cuda_buffer_type_alloc_buffer: cudaMalloc failed: out of memory", "oom_gpu"),
        ("llama_init_from_model: failed to initialize the context: std::bad_alloc", "oom_host"),
        ("error: invalid argument: --fit", "flags"),
        ("llama_model_load: error loading model: unknown model architecture: 'x'", "model"),
        ("something else", "exited"),
    ],
)
def test_an_engine_that_ends_by_itself_is_failed_with_its_cause(
    fake: Fake, enqueue: Enqueue, words: str, reason: str
) -> None:
    fake("--crash", words)
    launch = until(enqueue(), "failed")
    assert launch.reason == reason
    assert launch.message.endswith(".") or words in launch.message
    assert held() == 0


def test_an_engine_that_dies_while_it_serves_is_failed(fake: Fake, enqueue: Enqueue) -> None:
    launch = until(enqueue(), "ready")
    process.terminate([who(launch)], process.signal.SIGKILL)
    assert until(launch, "failed").reason == "exited"
    assert held() == 0


def test_silence_while_loading_is_a_stall_and_talking_is_not(
    fake: Fake, enqueue: Enqueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps_module, "STALL", 0.6)
    fake("--slow", "1.5")
    until(enqueue(), "ready")
    fake("--hang")
    launch = until(enqueue(), "failed")
    assert (launch.reason, launch.attempts) == ("stall", 1)
    assert not process.alive(who(launch))


def test_a_port_that_another_program_took_is_tried_once_more(fake: Fake, enqueue: Enqueue, home: Path) -> None:
    fake("--steal-once", str(home / "stolen"))
    launch = until(enqueue(), "ready")
    assert launch.attempts == 2
    (home / "stolen").unlink()
    fake("--crash", "couldn't bind HTTP server socket, hostname: 127.0.0.1")
    launch = until(enqueue(), "failed")
    assert (launch.reason, launch.attempts) == ("port", 2)


def test_a_server_that_is_not_ours_or_has_another_name_is_never_ready(
    fake: Fake, enqueue: Enqueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    impostor = until(enqueue(), "ready")
    assert impostor.port
    monkeypatch.setattr(reconciler.process, "free_port", lambda: impostor.port)
    fake("--elsewhere")  # runs, while the other one answers on the port with the right name
    launch = enqueue()
    for _ in range(8):
        reconcile(launch.host_id)
    launch.refresh_from_db()
    assert launch.status == "starting"
    monkeypatch.undo()
    fake("--lie", "somebody-else")
    launch = enqueue()
    for _ in range(20):
        reconcile(launch.host_id)
        time.sleep(0.05)
    launch.refresh_from_db()
    assert launch.status == "starting"


def test_stopping_is_idempotent_at_every_point(fake: Fake, enqueue: Enqueue) -> None:
    launch = enqueue()
    assert stop_launch(launch.pk).status == "stopped"
    assert held() == 0  # in the same transaction, not at the next look
    assert stop_launch(launch.pk).status == "stopped"
    fake("--slow", "30")
    launch = until(enqueue(), "starting")
    assert stop_launch(launch.pk).status == "stopping"
    assert stop_launch(launch.pk).status == "stopping"
    until(launch, "stopped")
    fake("--crash", "boom")
    launch = until(enqueue(), "failed")
    assert stop_launch(launch.pk).status == "failed"
    assert held() == 0


def test_a_child_that_ignores_term_and_its_setsid_grandchild_are_gone_within_grace_and_two_seconds(
    fake: Fake, enqueue: Enqueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "GRACE", 0.5)
    fake("--ignore-term", "--setsid")
    launch = until(enqueue(), "ready")
    assert len(process.marked()[str(launch.pk)]) == 2
    stop_launch(launch.pk)
    begun = process.uptime()
    until(launch, "stopped")
    assert process.uptime() - begun < 2.5
    assert str(launch.pk) not in process.marked()


def test_one_key_is_one_launch(fake: Fake, enqueue: Enqueue) -> None:
    assert enqueue(key="a").pk == enqueue(key="a").pk
    assert (Launch.objects.count(), held()) == (1, GIB)


def test_no_room_is_refused_and_reserves_nothing(fake: Fake, enqueue: Enqueue) -> None:
    enqueue(host=10 * GIB)
    with pytest.raises(
        LaunchRefused, match=r"needs 10.0 GiB of the host's memory, and 6.0 GiB are not promised yet"
    ) as refused:
        enqueue(host=10 * GIB)
    assert refused.value.rejection == Rejection("tiny", "tiny:Q4_0", "host_memory", 10 * GIB, 6 * GIB)
    assert held() == 10 * GIB
    assert Launch.objects.count() == 1


def test_two_loads_on_one_gpu_never_overlap(fake: Fake, enqueue: Enqueue, home: Path) -> None:
    for letter in "AB":
        Accelerator.objects.create(host_id="local", uuid=f"GPU-{letter}", name=letter, capacity_bytes=8 * GIB)
    fake("--slow", "0.5")
    first, second, other = enqueue(uuids=("GPU-A",)), enqueue(uuids=("GPU-A",)), enqueue(uuids=("GPU-B",))
    reconcile("local")
    assert [Launch.objects.get(pk=x.pk).status for x in (first, second, other)] == ["starting", "queued", "starting"]
    until(second, "ready")
    assert first.pk
    assert Launch.objects.get(pk=first.pk).ready_at < Launch.objects.get(pk=second.pk).started
    assert "visible: 'GPU-A'" in log_tail(second.pk)


def test_a_file_with_other_bytes_is_not_launched(fake: Fake, enqueue: Enqueue, home: Path) -> None:
    launch = enqueue()
    (home / "models" / "tiny.gguf").write_bytes(b"GGUF" + b"x" * 1000)
    assert until(launch, "failed").reason == "file"
    launch = enqueue()
    (home / "models" / "tiny.gguf").unlink()
    assert until(launch, "failed").reason == "file"
    with pytest.raises(LaunchRefused, match="is not on this machine"):
        enqueue()


def test_memory_that_nobody_active_holds_is_released(fake: Fake, enqueue: Enqueue) -> None:
    launch = enqueue()
    Launch.objects.filter(pk=launch.pk).update(status="lost")
    reconcile("local")
    assert held() == 0


def test_a_restart_of_the_machine_loses_the_launch(fake: Fake, enqueue: Enqueue) -> None:
    launch = until(enqueue(), "ready")
    pid = who(launch)
    Launch.objects.filter(pk=launch.pk).update(boot_id="an earlier boot")
    assert process.stop_processes({str(launch.pk): pid}, grace=1) == set()
    assert until(launch, "lost").reason == "restart"
    assert held() == 0


def test_what_is_measured_follows_the_most_that_was_held(
    fake: Fake, enqueue: Enqueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps_module, "LOOK_AGAIN", 0)
    fake("--grow", "30000000")
    launch = until(enqueue(), "ready")
    first = launch.measured["total_bytes"]
    engine_health.get_json(launch.port, "/grow")
    reconcile(launch.host_id)
    launch.refresh_from_db()
    assert launch.measured["total_bytes"] > first + 25_000_000
    assert launch.measured["total_bytes"] == launch.measured["host"]["total"]
    engine_health.get_json(launch.port, "/shrink")
    reconcile(launch.host_id)
    launch.refresh_from_db()
    assert launch.measured["total_bytes"] > first + 25_000_000


def test_every_configured_engine_may_be_asked_for_only_with_a_build_it_reads(fake: Fake, build: BuildSpec) -> None:
    for plan in (
        dataclasses.replace(make_plan(build), engine="no such engine"),
        make_plan(dataclasses.replace(build, format="safetensors")),
    ):
        with pytest.raises(LaunchRefused, match="cannot be launched from here"):
            queue.enqueue(plan, Placed("local", None, ()))
    assert held() == 0


def test_the_log_hides_what_looks_like_a_token(fake: Fake, enqueue: Enqueue) -> None:
    fake("--crash", "Authorization: Bearer abc123 hf_abcdefghijklm and brt_0123abcd_secretsecret")
    text = log_tail(until(enqueue(), "failed").pk)
    assert text.count("[redacted]") == 3
    assert not any(word in text for word in ("abc123", "hf_", "brt_"))


def test_every_step_is_a_line_with_the_launchs_id(
    fake: Fake, enqueue: Enqueue, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.addFilter(logs.Ids())
    with caplog.at_level(logging.INFO, "advisor.launch"):
        launch = enqueue()
        stop_launch(launch.pk)
    assert [(line.launch_id, line.getMessage().partition(": ")[2]) for line in caplog.records] == [
        (str(launch.pk), "queued on local for somebody at this machine"),
        (str(launch.pk), "queued -> stopped: asked to stop"),
    ]
