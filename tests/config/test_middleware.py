from __future__ import annotations

from django.test import Client


def test_pages_are_served_with_a_policy_without_inline_script_and_without_framing() -> None:
    answer = Client().get("/healthz")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
