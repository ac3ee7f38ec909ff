from __future__ import annotations

import pytest

from advisor.launch.engine_process import log_tail
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
