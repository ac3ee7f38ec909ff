"""A repository on the hub: its files, model card, configuration, and the headers of its weights.

Read through huggingface_hub and `hub_http`: one host, bounded in bytes and time, and only within `hub_http.allowed()`.
Everything read belongs to one commit. Nothing is downloaded beyond headers and small JSON files.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx2
from django.conf import settings
from huggingface_hub import HfApi, constants, get_session, hf_hub_url, set_client_factory
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError

from catalog import gguf, hub_http, safetensors
from catalog.hub_http import HubError, allowed

__all__ = [
    "HubError",
    "Repository",
    "allowed",
    "file_stream",
    "gguf_header",
    "read_json",
    "repository",
    "stored_weights",
    "weight_files",
]

NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
FIRST_READ = 1 << 17  # most safetensors headers are shorter
GGUF_READ = 4 << 20
UNREACHED = "The hub at {host} cannot be reached. Is this machine offline? Nothing was changed."

set_client_factory(hub_http.client)


@dataclass(frozen=True)
class File:
    path: str
    bytes: int
    sha256: str | None


@dataclass(frozen=True)
class Repository:
    """One commit of one repository; `card` is the metadata at the head of its README."""

    hub_id: str
    commit: str
    files: tuple[File, ...]
    card: dict[str, Any]
    created: date | None
    pipeline: str | None

    def file(self, path: str) -> File | None:
        return next((file for file in self.files if file.path == path), None)

    def source(self, path: str = "") -> str:
        """The source of a fact, down to the commit."""
        return f"hub {self.hub_id}@{self.commit[:10]}" + (f":{path}" if path else "")


def repository(hub_id: str) -> Repository:
    """Files with sizes and sha256, card and dates of `organisation/name`. Raises HubError."""
    if not NAME.fullmatch(hub_id) or ".." in hub_id:
        raise HubError("A repository is named organisation/name.")
    with _in_words(hub_id):
        info = HfApi(endpoint=settings.HF_ENDPOINT, token=settings.HF_TOKEN or False).model_info(
            hub_id, files_metadata=True, timeout=settings.HUB_REQUEST_SECONDS
        )
        files = tuple(_file(sibling) for sibling in info.siblings or ())
        if not info.sha or not re.fullmatch(r"[0-9a-f]{40}", info.sha):
            raise HubError(f"The hub names no commit of {hub_id}.")
        card = dict(info.card_data.to_dict()) if info.card_data else {}  # type: ignore[no-untyped-call]
        created = info.created_at.date() if info.created_at else None
        return Repository(hub_id, info.sha, files, card, created, info.pipeline_tag)


def _file(sibling: Any) -> File:
    digest = sibling.lfs.sha256 if sibling.lfs else None
    size = sibling.size
    if not isinstance(size, int) or size < 0 or (digest and not re.fullmatch(r"[0-9a-f]{64}", digest)):
        raise HubError(f"The hub states no size or a wrong sha256 of {str(sibling.rfilename)[:80]!r}.")
    return File(str(sibling.rfilename), size, digest)


def read_json(repo: Repository, path: str) -> dict[str, Any]:
    """A small JSON file as a dict. Raises HubError when it is missing or not a JSON object."""
    if repo.file(path) is None:
        raise HubError(f"{repo.hub_id} has no {path}.")
    with _in_words(repo.hub_id):
        try:
            value = json.loads(_get(repo, path))  # not orjson: `Infinity` occurs in published files
        except (ValueError, RecursionError):
            raise HubError(f"{path} of {repo.hub_id} is not JSON.") from None
    if not isinstance(value, dict):
        raise HubError(f"{path} of {repo.hub_id} is not a JSON object.")
    return value


def stored_weights(repo: Repository, files: list[File]) -> list[safetensors.Stored]:
    """Every tensor of these safetensors files, read by one or two range requests a file. Raises HubError."""
    found: list[safetensors.Stored] = []
    with _in_words(repo.hub_id):
        for file in files:
            try:
                start = _get(repo, file.path, 0, min(FIRST_READ, file.bytes))
                size = safetensors.header_size(start, file.bytes) + safetensors.LENGTH
                if size > len(start):
                    start += _get(repo, file.path, len(start), size)
                found += safetensors.tensors(start[safetensors.LENGTH : size], file.bytes)
            except safetensors.SafetensorsError as error:
                raise HubError(f"{file.path} of {repo.hub_id} is refused: {error}") from error
    if len({tensor.name for tensor in found}) != len(found):
        raise HubError(f"The files of {repo.hub_id} hold a tensor twice.")
    return found


def weight_files(repo: Repository) -> list[File]:
    """The safetensors files that a loader would read: those of the index, else all at the top. Raises HubError."""
    index = "model.safetensors.index.json"
    if repo.file(index):
        named = read_json(repo, index).get("weight_map")
        names = sorted({str(name) for name in named.values()}) if isinstance(named, dict) else []
        missing = [name for name in names if repo.file(name) is None]
        if not names or missing:
            raise HubError(f"{index} of {repo.hub_id} names files that are not there.")
    else:
        names = [f.path for f in repo.files if f.path.endswith(".safetensors") and "/" not in f.path]
    if not names:
        raise HubError(f"{repo.hub_id} has no safetensors files; weights of other formats are not read.")
    return [file for file in repo.files if file.path in names]


def gguf_header(repo: Repository, file: File) -> dict[str, Any]:
    """As `gguf.read_header`, by range requests. Raises HubError."""
    with _in_words(repo.hub_id):
        try:
            return gguf.read_gguf(io.BufferedReader(_Remote(repo, file), GGUF_READ), file.bytes)
        except gguf.GgufError as error:
            raise HubError(f"{file.path} of {repo.hub_id} is refused: {error}") from error


class _Remote(io.RawIOBase):
    """A file on the hub as a seekable stream, fetched in large blocks on demand."""

    def __init__(self, repo: Repository, file: File) -> None:
        self.repo, self.file, self.at = repo, file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.file.bytes}[whence] + offset
        return self.at

    def readinto(self, buffer: Any) -> int:
        data = _get(self.repo, self.file.path, self.at, min(self.at + len(buffer), self.file.bytes))
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)


def _get(repo: Repository, path: str, start: int = 0, stop: int | None = None) -> bytes:
    """Bytes `start` to `stop` of a file, or all of it without `stop`."""
    if stop is not None and stop <= start:
        return b""
    url = hf_hub_url(repo.hub_id, path, revision=repo.commit, endpoint=settings.HF_ENDPOINT)
    headers = {"Authorization": f"Bearer {settings.HF_TOKEN}"} if settings.HF_TOKEN else {}
    if stop is not None:
        headers["Range"] = f"bytes={start}-{stop - 1}"
    with get_session().stream("GET", url, headers=headers) as answer:
        if answer.status_code >= 400:
            raise HubError(_refusal(repo.hub_id, answer.status_code))
        if stop is not None and answer.status_code != 206:
            raise HubError(f"The hub does not answer range requests for {path}; whole files are not read.")
        data = b"".join(answer.iter_raw())
    if stop is not None and len(data) != stop - start:
        raise HubError(f"The hub sent {len(data)} bytes of {path} where {stop - start} were asked for.")
    return data


@contextmanager
def file_stream(repo: str, commit: str, path: str, start: int, etag: str = "") -> Iterator[httpx2.Response]:
    """A file from byte `start` on; all of it where it is not any more what `etag` named.

    Only within `hub_http.allowed_file`. Raises httpx2's errors and HubError.
    """
    url = hf_hub_url(repo, path, revision=commit, endpoint=settings.HF_ENDPOINT)
    headers = {"Authorization": f"Bearer {settings.HF_TOKEN}"} if settings.HF_TOKEN else {}
    if start:
        headers |= {"Range": f"bytes={start}-"} | ({"If-Range": etag} if etag else {})
    with get_session().stream("GET", url, headers=headers) as answer:
        yield answer


def _refusal(hub_id: str, status: int) -> str:
    if status in (401, 403):
        return f"{hub_id} is gated, private or not there: accept its terms on the hub and set HF_TOKEN."
    if status == 404:
        return f"{hub_id} is not on the hub, or the file is not in it."
    return f"The hub answered with status {status} when asked for {hub_id}."


@contextmanager
def _in_words(hub_id: str) -> Iterator[None]:
    """Turns every error on the way into a HubError of one sentence."""
    if constants.is_offline_mode():
        raise HubError("HF_HUB_OFFLINE is set: the hub is not asked.")
    try:
        yield
    except (GatedRepoError, RepositoryNotFoundError):
        raise HubError(_refusal(hub_id, 401)) from None
    except HfHubHTTPError as error:
        raise HubError(_refusal(hub_id, error.response.status_code)) from None
    except HFValidationError:
        raise HubError("A repository is named organisation/name.") from None
    except httpx2.TooManyRedirects:
        raise HubError("The hub redirects in circles.") from None
    except httpx2.TimeoutException:
        raise HubError("The hub did not answer in time; nothing was changed.") from None
    except (httpx2.ConnectError, httpx2.ProxyError):
        raise HubError(UNREACHED.format(host=settings.HF_ENDPOINT)) from None
    except (httpx2.HTTPError, httpx2.InvalidURL):
        raise HubError("The hub's answer broke off or is not HTTP; nothing was changed.") from None
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise HubError(f"The hub's description of {hub_id} is not what it should be.") from None
