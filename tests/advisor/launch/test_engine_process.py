from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from advisor.launch.engine_process import log_path, log_tail
from tests.support.launches import Enqueue, Fake, until


def test_the_engine_sees_no_gpu_that_was_not_planned_and_no_secret(
    fake: Fake, enqueue: Enqueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "not for engines")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    launch = until(enqueue(), "ready")
    assert "visible: '' secret: None" in log_tail(launch.pk)


def test_the_log_hides_what_looks_like_a_token(fake: Fake, enqueue: Enqueue) -> None:
    fake("--crash", "Authorization: Bearer abc123 hf_abcdefghijklm and brt_0123abcd_secretsecret")
    text = log_tail(until(enqueue(), "failed").pk)
    assert text.count("[redacted]") == 3
    assert not any(word in text for word in ("abc123", "hf_", "brt_"))


HIDDEN = [
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "github_pat_11ABCDEFG0abcdefghijkl",
    "AKIAIOSFODNN7EXAMPLE",
    "sk-proj-abcdefgh12345678",
    "password=hunter2",
    "'Password': 'hunter2'",
    "https://user:hunter2@hub.example/x",
    "api_key=0123456789abcdefghij",
    "HF_TOKEN: abcdefghij0123456789",
    "Basic dXNlcjpodW50ZXIy",
]
SHOWN = [
    "llama_model: EOS token        = 151645 '<|im_end|>'",
    "general.key = value, n_tokens = 4096, token: 12",
    "http://127.0.0.1:8080/v1 user@example",
    "key=general.architecture",
]


@pytest.mark.parametrize("words", HIDDEN)
def test_what_is_a_secret_is_hidden(words: str, home: Path) -> None:
    shown = logged(home, f"it says {words} and more\n")
    assert "[redacted]" in shown
    assert not any(part in shown for part in ("hunter2", "0123456789", "EXAMPLE", "12345678", "ABCDEFG0", "dXNlc"))
    assert shown.endswith("and more\n")


@pytest.mark.parametrize("words", SHOWN)
def test_what_engines_say_every_day_is_shown(words: str, home: Path) -> None:
    assert logged(home, words) == words


def test_a_tail_that_begins_within_a_token_does_not_show_the_rest_of_it(home: Path) -> None:
    text = "x" * 100 + " hf_abcdefghijklmnopqrstuvwxyz and more"
    for size in range(9, 40):
        assert "xyz" not in logged(home, text, size)


def logged(home: Path, text: str, size: int = 1 << 14) -> str:
    launch = uuid.uuid4()
    log_path(launch).parent.mkdir(exist_ok=True)
    log_path(launch).write_text(text)
    return log_tail(launch, size)
