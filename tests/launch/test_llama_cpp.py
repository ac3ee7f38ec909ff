from __future__ import annotations

import pytest

from advisor.engines import registry
from advisor.engines.base import Adapter
from advisor.engines.llama_cpp import adapter, wheel_server
from advisor.engines.registry import bases, engines
from advisor.fit.engines.llama_cpp.settings import Settings

MODEL = "/models/a.gguf"


def argv(settings: Settings | None = None, **changed: object) -> list[str]:
    given = {"model": MODEL, "alias": "a", "port": 8100, "threads": 3} | changed
    return adapter.argv(settings or Settings(), **given)  # type: ignore[arg-type]


def value(words: list[str], flag: str) -> str:
    return words[words.index(flag) + 1]


def test_the_command_line_carries_the_whole_plan() -> None:
    settings = Settings(
        context=32768, slots=4, unified=True, kv_type_k="q8_0", kv_type_v="q4_0", flash_attention=False, gpu_layers=33,
        experts_on_cpu=7, tensor_split=(3, 1.5), devices=2, batch=1024, ubatch=256, kv_offload=False, swa_full=True,
    )  # fmt: skip
    words = argv(settings)
    stated = {
        "--model": MODEL, "--alias": "a", "--host": "127.0.0.1", "--port": "8100", "-c": "32768", "-np": "4",
        "-b": "1024", "-ub": "256", "-ngl": "33", "-fa": "off", "-ctk": "q8_0", "-ctv": "q4_0", "--n-cpu-moe": "7",
        "-ts": "3,1.5", "-t": "3", "--fit": "off", "--cache-ram": "0", "--ctx-checkpoints": "0",
    }  # fmt: skip
    assert {flag: value(words, flag) for flag in stated} == stated
    assert {"--kv-unified", "--no-kv-offload", "--swa-full", "--no-mmap", "--metrics"} <= set(words)
    assert "--device" not in words


def test_without_devices_the_engine_is_told_to_use_none() -> None:
    assert value(argv(), "--device") == "none"
    assert "--no-kv-unified" in argv()


def test_every_field_of_the_settings_reaches_the_command_line_or_is_not_for_a_server() -> None:
    other = Settings(
        context=8192, slots=2, unified=True, kv_type_k="q8_0", kv_type_v="q8_0", flash_attention=True, gpu_layers=9,
        experts_on_cpu=2, tensor_split=(1, 2), devices=2, batch=64, ubatch=32, kv_offload=False, embedding=True,
        swa_full=True,
    )  # fmt: skip
    silent = {
        name
        for name, changed in other._asdict().items()
        if name not in ("outputs", "override") and argv(Settings(**{name: changed})) == argv()
    }
    assert silent == set()


@pytest.mark.parametrize(
    "changed",
    [
        {"alias": "--host"},
        {"alias": "a b"},
        {"alias": "a\n"},
        {"alias": ""},
        {"model": "relative.gguf"},
        {"model": "--help.gguf"},
        {"model": "/etc/passwd"},
        {"model": "/models/a\0.gguf"},
        {"port": "8100; id"},
        {"port": 0},
        {"port": True},
        {"threads": -1},
    ],
)
def test_a_word_that_is_not_of_its_kind_never_reaches_the_command_line(changed: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        argv(**changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"kv_type_k": "f16 --host 0.0.0.0"},
        {"kv_type_v": "$(id)"},
        {"context": "4096"},
        {"context": 0},
        {"slots": 10**6},
        {"tensor_split": (float("nan"),)},
        {"tensor_split": ("1,--host",)},
        {"override": ".*=CPU"},
    ],
)
def test_settings_of_the_wrong_kind_never_reach_the_command_line(changed: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must|override"):
        argv(Settings(**changed))  # type: ignore[arg-type]


def test_gpus_are_named_by_uuid_and_nothing_else() -> None:
    env = adapter.env(["GPU-1a", "MIG-2b"], "some-id")
    assert (env["CUDA_VISIBLE_DEVICES"], env["CUDA_DEVICE_ORDER"]) == ("GPU-1a,MIG-2b", "PCI_BUS_ID")
    assert env["BERTH_LAUNCH_ID"] == "some-id"
    with pytest.raises(ValueError, match="UUID"):
        adapter.env(["0"], "some-id")


LOG = """\
0.00.182 I load_tensors:          CPU model buffer size =     1.50 MiB
0.00.182 I load_tensors:        CUDA0 model buffer size =  4403.49 MiB
0.00.182 I load_tensors:    CUDA_Host model buffer size =   281.81 MiB
0.00.186 I llama_kv_cache:      CUDA0 KV buffer size =    45.00 MiB
0.00.186 I llama_memory_recurrent:      CUDA0 RS buffer size =    5.00 MiB
0.00.186 I llama_context:  CUDA_Host  output buffer size =     0.50 MiB
0.00.220 I sched_reserve:      CUDA0 compute buffer size =    16.00 MiB
0.00.220 I sched_reserve:  CUDA_Host compute buffer size =     8.00 MiB
0.00.230 I sched_reserve:      CUDA0 compute buffer size =    20.00 MiB
"""


def test_the_log_tells_what_the_engine_allocated_and_a_grown_buffer_counts_once() -> None:
    mib = 1 << 20
    assert adapter.buffers(LOG) == {
        "CUDA0": {"weights": round(4403.49 * mib), "kv": 50 * mib, "compute": 20 * mib},
        "host": {"weights": round(1.5 * mib) + round(281.81 * mib), "kv": 0, "compute": round(8.5 * mib)},
    }
    assert adapter.buffers("nothing of the kind") == {}


def test_the_wheel_takes_every_flag_that_the_plan_may_hold() -> None:
    settings = Settings(
        context=2048, slots=2, unified=True, kv_type_k="q8_0", kv_type_v="q5_1", flash_attention=True, gpu_layers=3,
        experts_on_cpu=2, tensor_split=(1, 2), devices=2, batch=256, ubatch=128, kv_offload=False, embedding=True,
        swa_full=True,
    )  # fmt: skip
    params = wheel_server.params(argv(settings)[1:])
    assert (params.n_ctx, params.n_parallel, params.n_batch, params.n_ubatch) == (2048, 2, 256, 128)
    assert (params.kv_unified, params.no_kv_offload, params.swa_full, params.embedding) == (True, True, True, True)
    assert (params.cache_type_k.name, params.cache_type_v.name) == ("GGML_TYPE_Q8_0", "GGML_TYPE_Q5_1")
    assert params.flash_attn_type.name == "LLAMA_FLASH_ATTN_TYPE_ENABLED"
    assert (params.fit_params, params.cache_ram_mib, params.n_ctx_checkpoints, params.ui) == (False, 0, 0, False)
    assert (params.cpuparams.n_threads, params.cpuparams_batch.n_threads, params.port) == (3, 3, 8100)
    assert (params.model.path, params.model_alias, params.load_mode.name) == (MODEL, {"a"}, "LLAMA_LOAD_MODE_NONE")
    assert list(params.tensor_split[:3]) == [1.0, 2.0, 0.0]


@pytest.mark.parametrize("words", [["--mmproj", "x"], ["-c", "-1"], ["-ctk", "q9"], ["--fit", "maybe"], ["--no-mma"]])
def test_the_wheel_takes_no_other_flag(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        wheel_server.params([*argv()[1:], *words])
    assert "error" in capsys.readouterr().err


def test_every_module_of_the_package_is_an_engine_and_every_program_has_a_base() -> None:
    engine = engines()["llama.cpp"]
    assert {program["name"] for program in engine.PROGRAMS} == set(bases())
    for name in Adapter.__annotations__:
        assert hasattr(engine, name), name


def test_a_configured_program_comes_first_and_one_that_is_not_there_is_passed_over(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    engine = engines()["llama.cpp"]
    first = registry.program(engine, lambda name: "/bin/sh")
    assert first is not None
    assert (first.name, first.words) == ("llama-server", ("/bin/sh",))
    second = registry.program(engine, lambda name: "/bin/not-there")
    assert second is not None
    assert second.name == "xllamacpp"
