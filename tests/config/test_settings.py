from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.plugin.berth import ROOT


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "http", "PORT must be a whole number from 1 to 65535, not 'http'."),
        ("PORT", "0", "PORT must be a whole number from 1 to 65535, not '0'."),
        ("DEBUG", "maybe", "DEBUG must be true or false, not 'maybe'."),
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS must name hosts; '*' is refused."),
        ("DATABASE_URL", "mysql://x", "DATABASE_URL must start with postgresql://"),
        ("REDIS_URL", "amqp://x", "REDIS_URL must start with redis://"),
        ("BERTH_HOST", "GPU 7", "BERTH_HOST must be lower-case letters, digits and dashes, not 'GPU 7'."),
        ("HF_ENDPOINT", "http://hub.example", "HF_ENDPOINT must start with https://"),
        ("HF_ENDPOINT", "https://me:secret@hub.example", "HF_ENDPOINT must be an address such as"),
        ("HF_ENDPOINT", "hub.example", "HF_ENDPOINT must be an address such as"),
        ("HF_CDN_HOSTS", "cdn.example,*", "HF_CDN_HOSTS must be names such as"),
        ("HF_CDN_HOSTS", ".com", "HF_CDN_HOSTS must be names such as"),
        ("HUB_SECONDS", "0", "HUB_SECONDS must be a whole number"),
        ("DATABASE_URL_FILE", "/nowhere/url", "DATABASE_URL_FILE: /nowhere/url cannot be read (No such file"),
        ("REDIS_URL", "redis://broker:port/0", "REDIS_URL is no address: Port could not be cast to integer"),
        ("REDIS_URL", "redis://[broker/0", "REDIS_URL is no address: Invalid IPv6 URL."),
        ("DATABASE_URL", "postgresql://db:99999999/x", "DATABASE_URL is no address: Port out of range 0-65535."),
        ("HF_ENDPOINT", "https://[hub", "HF_ENDPOINT is no address: Invalid IPv6 URL."),
        ("PORT", "\u0663\u0660\u0660\u0660", "PORT must be a whole number from 1 to 65535, not "),
        ("HUB_SECONDS", "\u00b2", "HUB_SECONDS must be a whole number"),
        ("RATE_LIMITS", "read=\u00b2", "RATE_LIMITS must be such as"),
        ("BERTH_DATA", "/dev/null", "BERTH_DATA must be a folder, not /dev/null."),
        ("SECRET_KEY", "x", "SECRET_KEY must hold at least 32 characters that nobody can guess, not 1."),
        ("SECRET_KEY_FILE", "/dev/null", "/dev/null must hold at least 32 characters that nobody can guess, not 0."),
        ("LAUNCHES_MOST", "-1", "LAUNCHES_MOST must be a whole number from 10 to 1000000, not '-1'."),
        ("LOG_LEVEL", "loud", "LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR, not 'LOUD'."),
    ],
)
def test_a_bad_value_stops_the_start_with_one_sentence(name: str, value: str, sentence: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        cwd=ROOT,
        env=os.environ | {name: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_key_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    """A limit on the size of files stands for a disk that is full."""
    full = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    full += "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)); import config.settings"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SECRET_KEY")} | {
        "BERTH_DATA": str(tmp_path)
    }
    for code, status in ((full, 1), ("import config.settings", 0)):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, done.stderr
        assert done.stderr.count("\n") == status
        assert [path.name for path in tmp_path.iterdir()] == ["secret_key"] * (status == 0)


def test_debug_is_for_loopback_only() -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("BERTH_BIND", "DEBUG")}
    for bind, status in (("127.0.0.1", 0), ("0.0.0.0", 1)):
        done = subprocess.run(
            [sys.executable, "-c", "import config.settings"],
            cwd=ROOT,
            env=environment | {"DEBUG": "true", "BERTH_BIND": bind},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, bind
        assert ("DEBUG shows settings to whoever asks" in done.stderr) == bool(status)


SECRETS = {
    "DATABASE_URL": ("postgresql://berth:s3cret@db/berth", "s.DATABASES['default']['PASSWORD']", "s3cret"),
    "REDIS_URL": ("redis://:s3cret@broker:6379/0", "s.CELERY_BROKER_URL", "redis://:s3cret@broker:6379/0"),
    "HF_TOKEN": ("hf_s3cret", "s.HF_TOKEN", "hf_s3cret"),
    "BERTH_BUNDLE_KEY": ("k" * 40, "s.BUNDLE_KEY", "k" * 40),
    "SECRET_KEY": ("s" * 60, "s.SECRET_KEY", "s" * 60),
}


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_can_come_from_a_file(name: str, tmp_path: Path) -> None:
    value, place, expected = SECRETS[name]
    (tmp_path / "secret").write_text(f"{value}\n")
    given = {key: text for key, text in os.environ.items() if key != name} | {f"{name}_FILE": str(tmp_path / "secret")}
    asked = [sys.executable, "-c", f"from config import settings as s; print({place})"]
    assert subprocess.check_output(asked, cwd=ROOT, env=given, text=True) == f"{expected}\n"
    if name != "SECRET_KEY":
        done = subprocess.run(asked, cwd=ROOT, env=given | {name: "x"}, capture_output=True, text=True, check=False)
        assert f"{name} and {name}_FILE are both set" in done.stderr


def test_strangers_get_less_once_the_page_leaves_loopback() -> None:
    asked = "from config import settings as s; print(s.ANONYMOUS_ACCESS, s.LOCAL_OPERATOR, s.SESSION_COOKIE_SECURE)"

    def said(**environment: str) -> str:
        command = [sys.executable, "-c", asked]
        return subprocess.check_output(command, cwd=ROOT, env=os.environ | environment, text=True).strip()

    assert said() == "True True False"
    assert said(BERTH_BIND="0.0.0.0") == "False False False"
    assert said(BERTH_BIND="0.0.0.0", BERTH_HTTPS="true") == "False False True"


@pytest.mark.postgres
@pytest.mark.django_db
def test_the_tests_run_on_the_database_that_was_asked_for() -> None:
    assert connection.vendor == ("postgresql" if os.environ.get("TEST_DB") == "postgres" else "sqlite")


@pytest.mark.django_db
def test_sqlite_writes_ahead_and_takes_its_turn_at_begin() -> None:
    assert settings.DATABASES["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)


pytestmark = pytest.mark.django_db


def test_nobody_is_limited_on_loopback_unless_said() -> None:
    assert settings.RATE_LIMITS == {}
    asked = [sys.executable, "-c", "from config import settings; print(settings.RATE_LIMITS)"]
    away = os.environ | {"BERTH_BIND": "0.0.0.0", "RATE_LIMITS": "read=0, launch=5"}
    said = subprocess.check_output(asked, cwd=ROOT, env=away, text=True)
    assert said.strip() == "{'read': 0, 'recommend': 3000, 'agent': 600, 'launch': 5, 'catalog': 600, 'sign-in': 10}"
