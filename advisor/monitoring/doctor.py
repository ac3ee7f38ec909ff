"""The checks of `manage.py doctor`: each gives one sentence on what it found and, on failure, on the remedy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from advisor.engines.installed import installed_program
from advisor.engines.registry import adapters
from advisor.files.listing import listing
from advisor.files.local import local_files
from advisor.monitoring import health
from catalog.models import CatalogVersion
from hardware import probe_child
from hardware.hosts import device_warnings
from hardware.snapshots import stale_seconds, this_host

FREE_BYTES = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    ok: bool
    sentence: str


def python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(sys.version_info >= (3, 11), f"Python {version}; 3.11 or newer is needed.")


def data() -> Finding:
    folder = settings.BERTH_DATA
    try:
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding(False, f"{folder} cannot be written ({error.strerror}): mend its owner, or set BERTH_DATA.")
    if free < FREE_BYTES:
        return Finding(
            False, f"{folder} has {free / 1e9:.1f} GB free: make room for logs and models, or set BERTH_DATA."
        )
    return Finding(True, f"{folder} is writable and has {free / 1e9:.0f} GB free.")


def database() -> Finding:
    why = health.database()
    return Finding(
        not why, why or f"{settings.DATABASES['default']['ENGINE'].rpartition('.')[2]} is there and migrated."
    )


def catalog() -> Finding:
    if health.database() or not CatalogVersion.objects.exists():
        return Finding(False, "The catalog is not loaded: run `manage.py prepare`.")
    return Finding(True, "The seed catalog is loaded.")


def broker() -> Finding:
    if why := health.broker():
        return Finding(False, f"{why} Start Berth with `make run`, or set REDIS_URL to a running Valkey or Redis.")
    return Finding(True, "The broker answers.")


def worker() -> Finding:
    """Judged by its output: beat, broker, queue, worker and database together write a snapshot every 30 s."""
    mend = "start Berth with `make run`, or see the worker's log."
    if health.database():
        return Finding(False, f"No worker has ever reported: {mend}")
    newest = this_host().snapshots.first()
    if newest is None:
        return Finding(False, f"No worker has ever reported: {mend}")
    age = (timezone.now() - newest.taken).total_seconds()
    if age >= stale_seconds():
        return Finding(False, f"The worker last reported {age:.0f} s ago: {mend}")
    return Finding(True, f"The worker last reported {age:.0f} s ago.")


def hardware() -> Finding:
    try:
        found = probe_child.run()
    except probe_child.ProbeFailure as failure:
        return Finding(False, str(failure))
    if found["error"]:
        return Finding(False, found["error"]["message"])
    if not found["accelerators"]:
        return Finding(True, "No GPU here: models run on the CPU.")
    if left_out := device_warnings(found):
        return Finding(False, " ".join(left_out))
    return Finding(True, "GPUs: " + ", ".join(str(device["name"]) for device in found["accelerators"]) + ".")


def engine() -> Finding:
    """Runs the program once: a wheel's engine can be installed and still lack a system library such as libgomp."""
    failed = ["No engine: put llama-server on PATH, set BERTH_LLAMA_SERVER, or install the requirements."]
    for candidate in adapters().values():
        program = installed_program(candidate.NAME)
        if program is None:
            continue
        try:
            done = subprocess.run(  # noqa: S603 words of the registry, no user's text
                [*program.words, "--help"],
                cwd=settings.BASE_DIR,
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            failed.append(f"{program.name} does not start: {error}.")
            continue
        if done.returncode == 0:
            return Finding(True, f"{candidate.NAME} through {program.name}.")
        failed.append(f"{program.name} does not start: {(done.stderr.strip().splitlines() or ['no message'])[-1]}.")
    return Finding(False, failed[-1])


def model() -> Finding:
    found = local_files([*settings.MODEL_ROOTS])
    if problems := [problem for root in settings.MODEL_ROOTS for problem in listing(root).problems]:
        more = f" And {len(problems) - 1} more." if len(problems) > 1 else ""
        return Finding(False, f"Among the model files, {problems[0]}{more}")
    if not found:
        roots = os.pathsep.join(map(str, settings.MODEL_ROOTS))
        return Finding(False, f"No model file: run `make setup` for the bundled one, or put GGUF files under {roots}.")
    return Finding(True, f"{len(found)} model file{'s' if len(found) > 1 else ''} on disk ready to launch.")


def access() -> Finding:
    """What a proxy in front needs, where the settings tell that there is one."""
    names = [name for name in settings.ALLOWED_HOSTS if name not in ("localhost", "127.0.0.1", "[::1]")]
    wrong = []
    if any(origin.startswith("https://") for origin in settings.CSRF_TRUSTED_ORIGINS) and not settings.HTTPS:
        wrong.append("CSRF_TRUSTED_ORIGINS has https: set BERTH_HTTPS=true and let the proxy send X-Forwarded-Proto.")
    if names and settings.ANONYMOUS_ACCESS:
        wrong.append(f"Whoever reaches {names[0]} reads and asks without an account: set BERTH_ANONYMOUS=false.")
    if names and not settings.RATE_LIMITS:
        wrong.append("Passwords can be tried without end: set RATE_LIMITS, since behind a proxy all is loopback.")
    if settings.DEBUG:
        wrong.append("DEBUG shows settings to whoever asks: set it to false.")
    return Finding(not wrong, " ".join(wrong) or "Accounts, names and limits go together.")


CHECKS: dict[str, Callable[[], Finding]] = {
    check.__name__: check
    for check in (python, data, database, catalog, broker, worker, hardware, engine, model, access)
}
