"""`python -m advisor.intake.fetch BUILD`: a build's files from the hub into the model folder, resumed and verified.

A process of its own, started and looked after by the reconciler as an engine is: it may take hours, and the worker may
be restarted meanwhile. What it does is told in files: the parts themselves, and `advisor.files.downloads`' note.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import django
import httpx2

if TYPE_CHECKING:
    from catalog.hub import File, Repository

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
IDLE = 30.0  # seconds without a byte until the connection is given up
MOST_TRIES = 8  # in a row that bring nothing
LONGEST_PAUSE = 30.0
MARGIN = 1 << 30  # bytes of disk that stay free
WORDS = {
    "gated": "{repo} asks for more than this machine may show: accept its terms at {page} and set HF_TOKEN.",
    "missing": "{repo} is not on the hub, or {path} is not in it any more.",
    "offline": "{host} did not answer, or broke off {tries} times in a row. What was fetched is kept: launch again.",
    "checksum": "{path} is not the file that {repo} publishes: its checksum differs twice. Nothing of it was kept.",
    "disk": "{path} needs {needed:.1f} GB more on {folder}, and {free:.1f} GB are free besides what is being fetched.",
}


class Failed(Exception):
    def __init__(self, reason: str, **words: object) -> None:
        self.reason = reason
        super().__init__(WORDS[reason].format(**words))


@dataclass(frozen=True)
class Transfer:
    """One file of one commit, into `target` by way of a part beside it."""

    repo: str
    commit: str
    path: str
    size: int
    sha256: str | None
    target: Path

    @property
    def part(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part")

    @property
    def etag(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part.etag")

    @property
    def words(self) -> dict[str, object]:
        return {"repo": self.repo, "path": self.path, "tries": MOST_TRIES}

    def there(self) -> int:
        """Bytes that are here already."""
        for path in (self.target, self.part):
            if path.is_file():
                return min(path.stat().st_size, self.size)
        return 0

    def run(self) -> None:
        if self.target.is_file() and self.target.stat().st_size == self.size:
            return
        self.target.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(2):
            self.receive()
            if self.right():
                os.replace(self.part, self.target)
                self.etag.unlink(missing_ok=True)
                return
            self.drop()
        raise Failed("checksum", **self.words)

    def right(self) -> bool:
        if not self.sha256:
            return True
        with self.part.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256

    def drop(self) -> None:
        for path in (self.part, self.etag):
            path.unlink(missing_ok=True)

    def receive(self) -> None:
        """Until the part is whole. Every interruption goes on where it broke off."""
        from django.conf import settings  # noqa: PLC0415  after setup

        from catalog.hub_http import HubError  # noqa: PLC0415  as above

        tries = 0
        while (had := self.part.stat().st_size if self.part.exists() else 0) != self.size:
            if had > self.size:
                self.drop()
                continue
            try:
                wait = self.stream(had)
            except (httpx2.HTTPError, httpx2.InvalidURL, HubError):
                wait = 0.0
            got = self.part.stat().st_size if self.part.exists() else 0
            tries = 0 if got > had else tries + 1
            if tries >= MOST_TRIES:
                raise Failed("offline", host=settings.HF_ENDPOINT, **self.words)
            if got != self.size:
                time.sleep(min(LONGEST_PAUSE, wait or 0.2 * 2**tries))

    def stream(self, had: int) -> float:
        """One answer into the part; the seconds to wait where the hub says so."""
        from django.conf import settings  # noqa: PLC0415  after setup

        from catalog import hub, hub_http  # noqa: PLC0415  as above

        etag = self.etag.read_text() if had and self.etag.exists() else ""
        begun = time.monotonic()
        with (
            hub_http.allowed_file(self.size, IDLE),
            hub.file_stream(self.repo, self.commit, self.path, had, etag) as answer,
        ):
            status = answer.status_code
            if status in (401, 403):
                raise Failed("gated", page=f"{settings.HF_ENDPOINT}/{self.repo}", **self.words)
            if status == 404:
                raise Failed("missing", **self.words)
            if status == 416:
                self.drop()
                return 0.0
            if status not in (200, 206):
                return seconds(answer.headers.get("Retry-After", ""))
            start = had if status == 206 and continues(answer.headers.get("Content-Range", ""), had, self.size) else 0
            if status == 206 and start != had:  # another file by now, or another place in it
                self.drop()
                return 0.0
            self.etag.write_text(answer.headers.get("ETag", ""))
            with self.part.open("r+b" if start else "wb") as file:
                file.seek(start)
                left, received = self.size - start, 0
                for chunk in answer.iter_raw():  # as it comes: what is gathered first would be lost with the connection
                    file.write(chunk[:left])
                    left -= len(chunk)
                    received += len(chunk)
                    if left <= 0:
                        break
                    if settings.DOWNLOAD_BYTES_PER_SECOND:
                        due = received / settings.DOWNLOAD_BYTES_PER_SECOND
                        time.sleep(max(0.0, due - (time.monotonic() - begun)))
        return 0.0


def continues(stated: str, had: int, size: int) -> bool:
    return stated.startswith(f"bytes {had}-") and stated.endswith(f"/{size}")


def seconds(stated: str) -> float:
    return float(stated) if stated.isascii() and stated.isdigit() and len(stated) < 6 else 0.0


def transfers(repo: Repository, files: list[File]) -> list[Transfer]:
    from django.conf import settings  # noqa: PLC0415  after setup

    folder = Path(settings.MODEL_ROOTS[0], *repo.hub_id.split("/"))
    return [
        Transfer(repo.hub_id, repo.commit, file.path, file.bytes, file.sha256, folder / Path(file.path).name)
        for file in files
    ]


def demand_room(wanted: list[Transfer], others: int) -> None:
    folder = wanted[0].target.parent
    folder.mkdir(parents=True, exist_ok=True)
    needed = sum(one.size - one.there() for one in wanted)
    free = shutil.disk_usage(folder).free - others - MARGIN
    if needed > free:
        words = {"path": wanted[0].path, "folder": folder, "needed": needed / 1e9, "free": max(0, free) / 1e9}
        raise Failed("disk", **words)


def fetch(key: str) -> None:
    """Everything, in order. The catalog learns what the build's files are, and what they hold, by their own headers."""
    from django.utils import timezone  # noqa: PLC0415  after setup

    from advisor.files import downloads  # noqa: PLC0415  as above
    from advisor.intake import proposal, published  # noqa: PLC0415  as above
    from catalog.gguf import read_header  # noqa: PLC0415  as above
    from catalog.models import Build  # noqa: PLC0415  as above

    build = Build.objects.select_related("model").get(key=key)
    repo, files = published.files_of(build)
    wanted = transfers(repo, files)
    downloads.Note(key).write(parts=[(str(one.target), one.size) for one in wanted])
    demand_room(wanted, downloads.others_left(key))
    for one in wanted:
        one.run()
    headers = [read_header(one.target) for one in wanted]
    proposal.apply(published.proposed(build, repo, files, headers, timezone.now().date()), overwrite=True)


def main(key: str) -> None:
    from django.db import DatabaseError  # noqa: PLC0415  after setup

    from advisor.files import downloads  # noqa: PLC0415  as above
    from advisor.intake.check import ImportRefused  # noqa: PLC0415  as above
    from catalog.gguf import GgufError  # noqa: PLC0415  as above
    from catalog.hub_http import HubError  # noqa: PLC0415  as above

    note = downloads.Note(key)
    note.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = note.path.with_suffix(".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return  # another process writes these files
    try:
        fetch(key)
    except Failed as failure:
        note.write(reason=failure.reason, message=str(failure))
    except HubError as error:
        note.write(reason="gated" if "gated" in str(error) else "offline", message=str(error))
    except GgufError as error:
        note.write(reason="checksum", message=f"What was fetched is no GGUF file: {error}")
    except ImportRefused as error:
        note.write(reason="missing", message=str(error))
    except OSError as error:
        note.write(reason="disk", message=f"{error.filename or 'The model folder'}: {error.strerror}.")
    except DatabaseError as error:
        sys.exit(f"The database does not answer: {error}")  # no note: the reconciler starts this again
    else:
        note.write(done=True)


if __name__ == "__main__":
    django.setup(set_prefix=False)
    main(sys.argv[1])
