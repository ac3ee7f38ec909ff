"""A machine with a model and an engine that a test can really launch, and the memory a launch holds."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from advisor.estimates.gguf_file import sizes_of
from advisor.files.local import find_file
from advisor.fit.build import BuildSizes, LayerSizes
from advisor.fit.engines.llama_cpp.memory import estimate_memory
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.spec import BuildSpec, DeviceMemory, Memory, ModelSpec, Plan, Range, Speed
from advisor.launch import confirm, process
from advisor.launch import queue as queue_module
from advisor.launch.engine_process import log_tail
from advisor.launch.reconciler import reconcile, stop_all, time
from advisor.models import Launch
from advisor.selectors.hosts import LaunchPlace
from catalog.models import Build, Model
from catalog.seed import DATA
from hardware.clock import uptime
from hardware.models import Accelerator, Host, Reservation
from hardware.processes import Identity

GIB = 1 << 30
FAKE = Path(__file__).with_name("fake_engine.py")
SEED = DATA / "builds" / "smollm2-135m-instruct.json"
Fake = Callable[..., None]
Enqueue = Callable[..., Launch]
Wrong = Callable[..., Launch]
PATIENT = 30.0  # seconds: a busy machine may miss the real limit, and the tests are about what follows an answer
OUTSIDE = 100 << 20  # bytes planned outside the engine's buffers


@pytest.fixture
def home(settings: LazySettings, tmp_path: Path, db: None) -> Iterator[Path]:
    """A data folder and this machine as a host with 16 GiB of RAM; stops everything afterwards."""
    settings.BERTH_DATA = tmp_path
    settings.MODEL_ROOTS = [tmp_path / "models"]
    (tmp_path / "models").mkdir()
    host = Host.objects.create(id=settings.HOST_ID, name="here", queue="host.test")
    Accelerator.objects.create(host=host, uuid="ram", name="Host memory", kind="memory", capacity_bytes=16 * GIB)
    yield tmp_path
    left = process.stop_processes({str(pk): None for pk in Launch.objects.values_list("pk", flat=True)}, grace=0)
    assert not left
    process.reap()


@pytest.fixture
def fake(settings: LazySettings, home: Path) -> Callable[..., None]:
    """`fake("--slow", "2")`: from now on llama-server is the fake engine with these switches."""

    def configure(*switches: str) -> None:
        program = home / "llama-server"
        words = shlex.join((sys.executable, "-S", str(FAKE), *switches))
        program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        program.chmod(0o755)
        settings.LLAMA_SERVER = str(program)

    configure()
    return configure


@pytest.fixture
def build(home: Path) -> BuildSpec:
    """A build whose file is under the model folder, and its catalog rows."""
    return make_build(home, "tiny", b"GGUF" + bytes(1000))


def make_build(home: Path, slug: str, content: bytes) -> BuildSpec:
    path = home / "models" / f"{slug}.gguf"
    path.write_bytes(content)
    file = {"path": path.name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    model = Model.objects.create(slug=slug, name=slug, hub_id=f"test/{slug}", organisation="test", family="test")
    Build.objects.create(
        model=model,
        key=f"{slug}:Q4_0",
        format="gguf",
        quantization="Q4_0",
        files=[file],
        bytes=len(content),
        basis="exact",
    )
    sizes = BuildSizes(
        **dict.fromkeys(("embedding_host", "output_device", "output_host", "repack", "hidden", "heads", "head_dim"), 1),
        **{
            "arch": "llama",
            "layers": (LayerSizes(1, 1),),
            "n_vocab": 1000,
            "context_length": 4096,
            "kv_heads": 1,
            "ffn": 1,
        },
    )
    return BuildSpec(f"{slug}:Q4_0", "gguf", "Q4_0", None, (file,), len(content), "exact", sizes)


def make_plan(build: BuildSpec, *, host: int = GIB, devices: tuple[int, ...] = (), **changed: Any) -> Plan:
    slug = build.id.partition(":")[0]
    nothing = dict.fromkeys(("licence", "commercial", "released", "parameters_total", "parameters_active"))
    model = ModelSpec(
        slug, slug, f"test/{slug}", "test", **nothing, context_length=4096, input_modalities=("text",), languages=(),
        tool_use=None, reasoning=None, task="generate", superseded_by=None, builds=(build,), strengths={},
    )  # fmt: skip
    speed = Range(1, 2, 3)
    memory = Memory(tuple(DeviceMemory(size, 0, 0) for size in devices), DeviceMemory(host, 0, 0))
    settings = Settings(devices=len(devices), gpu_layers=2 if devices else 0, **changed)
    return Plan(
        model, build, "llama.cpp", settings, memory, (0,) * len(devices), 0, Speed(speed, speed, speed, 1, "t"), "cpu"
    )


@pytest.fixture
def enqueue(build: BuildSpec, settings: LazySettings) -> Enqueue:
    def queue(*, uuids: tuple[str, ...] = (), key: str | None = None, host: int = GIB, size: int = GIB) -> Launch:
        plan = make_plan(build, host=host, devices=(size,) * len(uuids))
        once = queue_module.Once(key, "", "") if key else None
        return queue_module.enqueue(plan, LaunchPlace(settings.HOST_ID, None, uuids), once=once)[0]

    return queue


def until(launch: Launch, *statuses: str, seconds: float = 15, pause: float = 0.05) -> Launch:
    """Reconcile repeatedly, as a worker does, until the launch has one of these statuses."""
    deadline = uptime() + seconds
    while uptime() < deadline:
        reconcile(launch.host_id)
        launch.refresh_from_db()
        if launch.status in statuses:
            return launch
        time.sleep(pause)
    pytest.fail(f"still {launch.status} ({launch.message}) after {seconds} s: {log_tail(launch.pk)}")


def who(launch: Launch) -> Identity:
    assert launch.pid is not None
    assert launch.start_ticks is not None
    return Identity(launch.pid, launch.start_ticks, launch.boot_id)


def held() -> int:
    total = sum(Accelerator.objects.values_list("reserved_bytes", flat=True))
    assert sum(Reservation.objects.values_list("bytes", flat=True)) == total
    return total


def smollm2(settings: Settings) -> Plan:
    """The bundled model: its file as the seed names it, its sizes from the file's own header."""
    seed = json.loads(SEED.read_text())["builds"][0]
    model = Model.objects.create(
        slug="smollm2-135m-instruct", name="SmolLM2", hub_id="x/y", organisation="x", family="x"
    )
    Build.objects.create(model=model, **{k: v for k, v in seed.items() if k not in ("source", "sizes")})
    path = find_file(seed["files"], roots=[])
    assert path
    sizes = sizes_of(str(path), None)
    build = BuildSpec(seed["key"], "gguf", "Q4_1", None, tuple(seed["files"]), seed["bytes"], "exact", sizes)
    return replace(make_plan(build), settings=settings, memory=estimate_memory(sizes, settings))


@pytest.fixture
def asked(home: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wrong]:
    """`asked(share)`: a launch of the bundled model whose plan has this share of the true bytes."""
    settings.LLAMA_SERVER = ""
    monkeypatch.setattr(confirm, "SECONDS", PATIENT)

    def ask(share: float = 1.0) -> Launch:
        plan = smollm2(Settings(context=4096))
        host = plan.memory.host
        wrong = DeviceMemory(int(host.weights * share), int(host.kv * share), int(host.compute * share), OUTSIDE)
        return queue_module.enqueue(replace(plan, memory=Memory((), wrong)), LaunchPlace(settings.HOST_ID, None, ()))[0]

    yield ask
    stop_all()
