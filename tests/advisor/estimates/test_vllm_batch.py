from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "num_hidden_layers": 32,
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 131072,
    "vocab_size": 128256,
    "intermediate_size": 14336,
}
GIB = 1 << 30


def row(accelerator: str = "H100 SXM", config: dict[str, Any] = LLAMA, **settings: Any) -> dict[str, Any]:
    settings = {"kv_budget_bytes": GIB, "max_model_len": 4096} | settings
    return {"id": 7, "config": config, "accelerator": accelerator, "settings": settings}


def run(path: Path, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    out = StringIO()
    call_command("estimate", vllm_batch=str(path), stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_gives_the_figures_of_vllms_own_log(tmp_path: Path) -> None:
    assert run(tmp_path / "rows", row()) == [
        {
            "id": 7,
            "bytes_per_block": 2 << 20,
            "num_blocks": 512,
            "blocks_per_request": 256,
            "needed_bytes": 512 << 20,
            "capacity_tokens": 8192,
            "max_concurrency": 2.0,
            "starts": True,
            "largest_max_model_len": 8176,
            "computed_for": "vLLM 0.32.0",
        }
    ]


def test_a_name_that_several_cards_share_is_answered_where_they_do_not_differ(tmp_path: Path) -> None:
    one, several = run(tmp_path / "rows", row("H100 SXM"), row("H100"))
    assert one == several


UNKNOWN = {
    "card": (row("RTX 9999"), "RTX 9999"),
    "maker": (row("MI300X"), "MI300X"),
    "no devices": (row(tp=0), "'tp'"),
    "cache type": (row(kv_cache_dtype="int3"), "'kv_cache_dtype'"),
    "setting": (row(speed="fast"), "'speed'"),
    "a number for a truth": (row(hybrid_manager=1), "'hybrid_manager'"),
    "architecture": (row(config=LLAMA | {"architectures": ["NewForCausalLM"]}), "NewForCausalLM"),
    "architectures as a number": (row(config=LLAMA | {"architectures": 3}), "another form"),
    "no heads": (row(config=LLAMA | {"num_attention_heads": 0, "head_dim": None}), "another form"),
    "layers as a number": (row(config=LLAMA | {"layer_types": 5}), "another form"),
    "countless layers": (row(config=LLAMA | {"num_hidden_layers": 10**12}), "num_hidden_layers"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_known_is_said_with_the_reason(tmp_path: Path, name: str) -> None:
    given, why = UNKNOWN[name]
    [answer] = run(tmp_path / "rows", given)
    assert set(answer) == {"id", "unknown"}
    assert why in answer["unknown"]


def test_devices_that_do_not_divide_the_heads_do_not_start(tmp_path: Path) -> None:
    [answer] = run(tmp_path / "rows", row(tp=3))
    assert answer["starts"] is False
    assert "32 attention heads" in answer["unknown"]


def test_null_settings_take_the_defaults_of_the_card(tmp_path: Path) -> None:
    gemma = {
        "architectures": ["Gemma2ForCausalLM"],
        "model_type": "gemma2",
        "num_hidden_layers": 42,
        "hidden_size": 3584,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "head_dim": 256,
        "sliding_window": 1024,
    }
    stated = {"max_num_batched_tokens": 8192, "max_num_seqs": 1024, "hybrid_manager": True, "tp": 1}
    silent, said, small = run(
        tmp_path / "rows",
        row(config=gemma, max_model_len=8192, **dict.fromkeys(stated)),
        row(config=gemma, max_model_len=8192, **stated),
        row("A100", config=gemma, max_model_len=8192),
    )
    assert silent == said
    assert small["blocks_per_request"] < said["blocks_per_request"]  # 2,048 batched tokens keep less beside the window


def test_a_configuration_may_say_infinity(tmp_path: Path) -> None:
    [answer] = run(tmp_path / "rows", row(config=LLAMA | {"time_step_limit": [0.0, float("inf")]}))
    assert answer["starts"]


@pytest.mark.parametrize("line", ['{"id": 1}', "[]", '{"id": 1, "config": 3, "accelerator": "L4"}'])
def test_a_line_of_another_form_ends_the_batch_with_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "rows"
    path.write_text(line)
    with pytest.raises(CommandError, match=r"Line 1 is not .*accelerator"):
        call_command("estimate", vllm_batch=str(path), stdout=StringIO())


def test_without_a_budget_the_card_less_the_weights_is_taken(tmp_path: Path) -> None:
    large, small, cpu = run(
        tmp_path / "rows",
        row(kv_budget_bytes=None),
        row("RTX 4060", kv_budget_bytes=None),
        row("cpu", kv_budget_bytes=None),
    )
    assert 50 * GIB < large["kv_budget_bytes"] < large["kv_budget_at_most"] < 64 * GIB
    assert (small["kv_budget_bytes"], small["num_blocks"], small["starts"]) == (0, 0, False)
    assert "kv_budget_bytes" in cpu["unknown"]


def test_a_row_may_ask_which_setting_pays(tmp_path: Path) -> None:
    [answer] = run(tmp_path / "rows", row() | {"knobs": True})
    assert answer["knobs"] == [
        {"setting": "kv_cache_dtype", "value": "fp8", "saved_bytes": 256 << 20, "gained_tokens": 8192}
    ]
