from __future__ import annotations

import pytest

from advisor.engines.llama_cpp import adapter, wheel_server
from advisor.fit.engines.llama_cpp.settings import Settings

MODEL = "/models/a.gguf"


def argv(settings: Settings | None = None, **changed: object) -> list[str]:
    given = {"model": MODEL, "alias": "a", "port": 8100, "threads": 3} | changed
    return adapter.argv(settings or Settings(), **given)  # type: ignore[arg-type]


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
