"""A launch from queued to its end, with real child processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.launch import process, reconciler
from advisor.launch import steps as steps_module
from advisor.launch.document import launch_document
from advisor.launch.engine_process import log_tail
from advisor.launch.reconciler import reconcile, time
from advisor.launch.refused import LaunchRefused
from advisor.launch.transitions import stop_launch
from advisor.models import Launch
from hardware.models import Accelerator
from tests.support.launches import GIB, Enqueue, Fake, held, until, who


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
