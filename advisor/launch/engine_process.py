"""The engine's process of one launch: starting it, asking whether it serves, finding out why it ended.

Reads rows and touches processes; never writes a row.
"""

from __future__ import annotations

import os
import re
import time
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings

from advisor.engines.base import Adapter
from advisor.engines.installed import installed_program
from advisor.engines.registry import adapters
from advisor.files.checksum import verify_checksums
from advisor.files.local import find_launchable
from advisor.fit.engines.registry import planners
from advisor.launch import engine_health, process
from advisor.models import Launch, LocalFile
from catalog.models import Build
from hardware.processes import Identity

# An engine gets only these of our environment, and none of our secrets.
PASSED_ON = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
# What well-known tokens begin with, what stands where a password does, and what is called one. Not every `token = 7`
# of an engine: a value that is called so counts when it is long and holds letters and digits.
SECRETS = re.compile(
    r"\b(?:hf_|brt_|sk-|gh[a-z]_|github_pat_|glpat-|xox[a-z]-|AIza)[A-Za-z0-9_.-]{8,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|(?<=Bearer )\S+|(?<=Basic )\S+|(?<=://)[^\s/@]+:[^\s/@]*(?=@)"
    r"|(?P<password>(?:password|passwd|pwd)[\"']?\s*[=:]\s*)[^\s,;&]+"
    r"|(?P<key>(?:secret|token|key)[\"']?\s*[=:]\s*)(?=\S*[A-Za-z])(?=\S*\d)[\"']?[A-Za-z0-9/+_.=-]{16,}",
    re.IGNORECASE,
)
CUT = re.compile(r"^\S*")
LAST_WORDS = 4000  # bytes at the end of a log that are searched for the cause of an exit
LAST_WORDS_AFTER = (0.05, 0.25)  # seconds


def launch_folder() -> Path:
    return Path(settings.BERTH_DATA) / "launches"


def log_path(launch_id: uuid.UUID) -> Path:
    return launch_folder() / f"{launch_id}.log"


def log_tail(launch_id: uuid.UUID, size: int = 1 << 14) -> str:
    """The end of the engine's log, with anything that looks like a token redacted."""
    text = engine_health.file_tail(log_path(launch_id), size)
    if engine_health.log_bytes(log_path(launch_id)) > size:  # it may begin with the end of a token
        text = CUT.sub("", text, count=1)
    return SECRETS.sub(lambda found: f"{found['password'] or found['key'] or ''}[redacted]", text)


def adapter_of(launch: Launch) -> Adapter | None:
    return adapters().get(launch.engine)


def launch_settings(launch: Launch) -> Any:
    """The launch's settings as its engine's own type. Raises LookupError where the engine was removed."""
    return planners()[launch.engine].settings_kept(launch.settings)


def build_files(launch: Launch) -> list[dict[str, Any]]:
    """Of the catalog's build, or of a file of this machine that is of none."""
    row = Build.objects.filter(key=launch.build).values_list("files", flat=True).first()
    if row is None:
        parts = LocalFile.objects.filter(host_id=launch.host_id, build=launch.build).values_list("parts", flat=True)
        row = parts.order_by("-complete", "path").first()
    return list(row or [])


def model_file(launch: Launch) -> Path | None:
    """The file to serve, looked up again because it may have gone since the request."""
    return find_launchable(launch.build, build_files(launch))


def verified(launch: Launch, path: Path) -> bool | None:
    return verify_checksums(path, build_files(launch), cache=launch_folder() / "verified.json")


def command_line(launch: Launch, path: Path, port: int | None) -> list[str]:
    """The whole command line. Raises ValueError for a value not allowed on one, LookupError without a program."""
    known, how = adapter_of(launch), installed_program(launch.engine)
    if not known or not how:
        raise LookupError(f"No program for {launch.engine} is installed on this machine.")
    words = known.argv(
        launch_settings(launch),
        model=str(path),
        alias=launch.alias,
        port=port,
        threads=process.threads(),
        binary=how.name,
    )
    return [*how.words, *words[1:]]


def start_engine(launch: Launch) -> Identity:
    """Start the engine of a launch whose command and port are recorded. Raises OSError."""
    known = adapter_of(launch)
    assert known
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return process.spawn(
        launch.command,
        marker=str(launch.pk),
        env={**passed, **known.env(launch.devices, str(launch.pk))},
        log=log_path(launch.pk),
        cwd=settings.BASE_DIR,
    )


def recorded(launch: Launch) -> Identity | None:
    if launch.pid is None or launch.start_ticks is None:
        return None
    return Identity(launch.pid, launch.start_ticks, launch.boot_id)


def serves(launch: Launch, who: Identity) -> bool:
    """Whether our own process answers under our alias on a port that it owns."""
    known = adapter_of(launch)
    if not known or not launch.port or not engine_health.owns(who, launch.port):
        return False
    return engine_health.names(launch.port, launch.alias, models=known.MODELS, health=known.HEALTH)


def sign_of_life(launch: Launch, who: Identity) -> list[int]:
    """Counters that change while the engine logs or reads from disk; a stalled load changes none."""
    return [engine_health.log_bytes(log_path(launch.pk)), process.read_bytes(who)]


def why_it_ended(launch: Launch) -> tuple[str, str]:
    """The reason and sentence for an engine that exited by itself, from the end of its log."""
    known = adapter_of(launch)
    for pause in LAST_WORDS_AFTER:
        # The pump may still be writing the engine's last lines.
        time.sleep(pause)
        tail = log_tail(launch.pk, LAST_WORDS)
        for pattern, reason, sentence in known.CAUSES if known else ():
            if re.search(pattern, tail):
                return reason, sentence
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    last = f" Its last words: {lines[-1][:300]}" if lines else " It said nothing."
    return "exited", "The engine ended by itself." + last
