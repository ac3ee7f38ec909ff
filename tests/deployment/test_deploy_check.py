"""Django's own list for a deployment, under the settings of one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from django.conf import LazySettings
from django.test import Client

from tests.plugin.berth import ROOT

PRODUCTION = {
    "BERTH_BIND": "0.0.0.0",
    "BERTH_HTTPS": "true",
    "ALLOWED_HOSTS": "berth.example.org",
    "CSRF_TRUSTED_ORIGINS": "https://berth.example.org",
    "DATABASE_URL": "postgresql://berth:secret@db:5432/berth",
    "REDIS_URL": "redis://:secret@broker:6379/0",
    "LOG_FORMAT": "json",
}

TESTS_ONLY = "DJANGO_ALLOW_ASYNC_UNSAFE"


def check(data: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "INFO"],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if k != TESTS_ONLY} | PRODUCTION | {"BERTH_DATA": str(data)} | more,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_deployment_passes_djangos_list_without_a_remark(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no issues (1 silenced)" in done.stdout
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    weaker = check(tmp_path, BERTH_HTTPS="false", SECRET_KEY="x" * 40)
    assert weaker.returncode == 1
    assert "security.W009" in weaker.stderr


def test_behind_a_proxy_plain_http_is_sent_to_https_and_health_is_not(settings: LazySettings, db: None) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    client = Client(SERVER_NAME="localhost")
    assert client.get("/launches/")["Location"] == "https://localhost/launches/"
    assert client.get("/launches/", headers={"x-forwarded-proto": "https"}).status_code == 200
    assert client.get("/healthz").status_code == 200
