from __future__ import annotations

import pytest

from advisor.engines.base import NotHere
from advisor.engines.llama_cpp import adapter
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


def test_a_build_that_is_not_here_is_fetched_by_the_engine_without_the_projector_beside_it() -> None:
    words = argv(model=NotHere("org/Tiny-GGUF", "Q4_K_M", "tiny-Q4_K_M.gguf"))
    assert value(words, "-hf") == "org/Tiny-GGUF:Q4_K_M"
    assert "--no-mmproj" in words
    assert "--model" not in words
    assert value(argv(model=NotHere(None, "Q4_K_M", "tiny-Q4_K_M.gguf")), "--model") == "tiny-Q4_K_M.gguf"


@pytest.mark.parametrize(
    "odd",
    [("-x/y", "Q4_K_M", "a.gguf"), ("org/..", "Q 4", "a.gguf"), ("org/a", "Q4;rm", "a.gguf"), (None, "Q4", "-a.gguf")],
    ids=["a flag as repository", "a blank", "a second command", "a flag as file"],
)
def test_a_repository_that_is_no_name_is_refused(odd: tuple[str | None, str, str]) -> None:
    with pytest.raises(ValueError, match="for a command line"):
        argv(model=NotHere(*odd))


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
    with pytest.raises(ValueError, match="cannot be told"):
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
