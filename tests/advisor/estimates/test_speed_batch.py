from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError


def row(**given: Any) -> dict[str, Any]:
    return {"id": 7, "gpu": "RTX 3090", "model": "Qwen3-32B", "quant": "Q4_K_M", "engine": "llama.cpp"} | given


def run(path: Path, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    out = StringIO()
    call_command("estimate", speed_batch=str(path), stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def mid(answer: dict[str, Any], what: str = "decode") -> float:
    return float(answer[what]["mid"])


def test_a_line_gives_decode_and_prefill_as_a_range_under_its_id(tmp_path: Path) -> None:
    [answer] = run(tmp_path / "rows", row(gpu_count=1, context=4096, prompt_tokens=512, batch=1))
    assert set(answer) == {"id", "decode", "prefill"}
    assert answer["id"] == 7
    for what, least, most in (("decode", 15, 50), ("prefill", 200, 3000)):
        assert list(answer[what]) == ["low", "mid", "high"]
        assert least < answer[what]["low"] < answer[what]["mid"] < answer[what]["high"] < most


def test_absent_and_null_fields_mean_one_stream_on_one_device(tmp_path: Path) -> None:
    named = dict.fromkeys(("gpu_count", "context", "prompt_tokens", "batch"))
    absent, null, said = run(tmp_path / "rows", row(), row(**named), row(gpu_count=1, batch=1.0))
    assert absent == null == said


def test_a_longer_prompt_leaves_more_cache_to_read(tmp_path: Path) -> None:
    short, long = run(tmp_path / "rows", row(prompt_tokens=512), row(prompt_tokens=30_000, context=32_768))
    assert mid(long) < 0.9 * mid(short)


def test_the_context_of_llama_bench_is_the_depth_it_starts_from_and_vllms_is_a_reservation(tmp_path: Path) -> None:
    shallow, deep, served, reserved = run(
        tmp_path / "rows",
        row(context=0),
        row(context=32_768),
        row(gpu="A100 SXM", engine="vllm", quant="awq"),
        row(gpu="A100 SXM", engine="vllm", quant="awq", context=32_768),
    )
    assert mid(deep) < 0.9 * mid(shallow)
    assert mid(served) == mid(reserved)


def test_decode_of_a_batch_is_that_of_all_its_requests_together(tmp_path: Path) -> None:
    alone, eight = run(tmp_path / "rows", *(row(engine="vllm", quant="awq", batch=batch) for batch in (1, 8)))
    assert 3 * mid(alone) < mid(eight) < 8 * mid(alone)


def test_the_logical_batch_of_llama_cpp_is_no_number_of_requests(tmp_path: Path) -> None:
    alone, logical = run(tmp_path / "rows", row(), row(batch=2048))
    assert alone == logical


def test_vllm_splits_every_block_over_the_devices_and_llama_cpp_the_blocks_among_them(tmp_path: Path) -> None:
    rows = [row(engine=e, quant="Q4_K_M", gpu_count=n) for e in ("vllm", "llama.cpp") for n in (1, 4)]
    one, four, whole, parts = run(tmp_path / "rows", *rows)
    assert 1.8 * mid(one) < mid(four) < 4 * mid(one)
    assert mid(parts) == pytest.approx(mid(whole), rel=0.05)


def test_a_model_larger_than_one_card_is_answered_on_four_and_in_part_on_the_host_with_llama_cpp(
    tmp_path: Path,
) -> None:
    large = {"model": "Llama-3.3-70B-Instruct", "quant": "Q4_K_M"}
    vllm, several, spilled = run(
        tmp_path / "rows", row(**large, engine="vllm"), row(**large, gpu_count=4), row(**large)
    )
    assert "does not fit" in vllm["unknown"]
    assert mid(spilled) < 0.5 * mid(several)


def test_a_processor_alone_reads_from_its_own_memory(tmp_path: Path) -> None:
    [answer] = run(tmp_path / "rows", row(gpu="AMD Ryzen 7 7840HS", model="Qwen3-8B"))
    assert 4 < mid(answer) < 18  # 89.6 GB/s over 4.7 GiB, at most


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"gpu": "RTX 9999"}, "'RTX 9999'"),
        ({"gpu": None}, "accelerator"),
        ({"gpu": "Intel Xeon 6980P"}, "memory bandwidth"),
        ({"gpu": "Pi CM5 - 16GB (Nvidia RTX 3060)", "model": "Qwen3-8B"}, "single-board computer"),
        ({"model": "someone/New-9B"}, "'someone/New-9B'"),
        ({"engine": "hipfire"}, "'hipfire'"),
        ({"quant": "IQ1_M"}, "'IQ1_M'"),
        ({"quant": None}, "no quantization"),
        ({"batch": "max (scenario)"}, "batch must be"),
        ({"batch": -1}, "batch must be"),
        ({"gpu_count": 1e12}, "gpu_count must be"),
        ({"context": 2.5}, "context must be"),
        ({"context": [1]}, "context must be"),
        ({"context": 2048, "prompt_tokens": 8192}, "prompt_tokens must be at most the context, 2048"),
    ],
)
def test_what_is_not_known_is_said_with_the_reason(tmp_path: Path, given: dict[str, Any], why: str) -> None:
    [answer] = run(tmp_path / "rows", row(**given))
    assert set(answer) == {"id", "unknown"}
    assert why in answer["unknown"]
    assert answer["unknown"].endswith(".")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("[1, 2]", r'Line 2 is not \{"id", "gpu"'),
        ('{"gpu": "RTX 3090"}', r'Line 2 is not \{"id", "gpu"'),
        ('{"id": 1,', r"Line 2 is not JSON"),
        ("", r"Line 2 is not JSON"),
    ],
)
def test_a_malformed_line_ends_the_batch_with_its_number(tmp_path: Path, line: str, sentence: str) -> None:
    path = tmp_path / "rows"
    path.write_text(json.dumps(row()) + "\n" + line + "\n")
    with pytest.raises(CommandError, match=sentence) as raised:
        call_command("estimate", speed_batch=str(path), stdout=StringIO())
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("estimate", speed_batch=str(tmp_path / "none"), stdout=StringIO())
