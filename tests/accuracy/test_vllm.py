"""vLLM's cache from config.json alone, against what vLLM computed itself. Who makes the sums worse breaks the build."""

from __future__ import annotations

import pytest

from advisor.answers.about import bounds
from advisor.fit.engines.vllm.config import NotServed, UnknownConfig
from tests.accuracy import vllm_rows
from tests.support.every_row import for_every

LIMIT = bounds()["vllm"]
KINDS = ("full", "windowed", "chunked", "latent", "sparse index", "recurrent")


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_bytes_tokens_and_the_largest_context_are_vllms(kind: str) -> None:
    score = vllm_rows.scores()[kind]
    share, percent = LIMIT["near"]
    assert score.within(percent) >= share, f"{kind}: {score.within(percent):.2f} % of the rows within {percent} %"


@pytest.mark.parametrize("kind", KINDS)
def test_whether_it_starts_is_what_vllm_says(kind: str) -> None:
    score = vllm_rows.scores()[kind]
    assert score.right >= LIMIT["starts"], f"{kind}: {score.wrong} of {len(score.errors)} rows wrong"


def test_every_row_has_a_class() -> None:
    assert set(vllm_rows.scores()) == set(KINDS)
    assert sum(len(score.errors) for score in vllm_rows.scores().values()) >= LIMIT["rows"]


def row_name(row: dict) -> str:
    return f"{row['model']} {row['quantization']} {row['tp']}"


LOADED = {row_name(row): row for row in vllm_rows.weights() if row["bytes"] is not None}
REFUSED = {row_name(row): row for row in vllm_rows.weights() if row["bytes"] is None and row["tp"] == 1}
# vLLM takes groups of 64 for these experts, whose 2,880 columns 128 does not divide; nothing else does so.
ODD_GROUPS = ("gpt-oss-20b gptq_int4_g128 1", "gpt-oss-20b gptq_int8_g128 1")


@for_every(LOADED)
def test_weights_of_a_device_are_within_half_a_percent(name: str, row: dict) -> None:
    if name in ODD_GROUPS:
        with pytest.raises(UnknownConfig, match="groups of 128"):
            vllm_rows.predicted_weights(row)
        return
    assert vllm_rows.predicted_weights(row) == pytest.approx(row["bytes"], rel=0.005)


@for_every(REFUSED)
def test_weights_that_vllm_does_not_load_are_refused(name: str, row: dict) -> None:
    with pytest.raises(NotServed, match="groups of 128"):
        vllm_rows.predicted_weights(row)
