"""Hostile values through every door: an answer each time, and none of them reaches a command line, file or process."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from advisor.api import tokens
from advisor.engines.llama_cpp import adapter
from advisor.files.local import find_file
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.models import Launch
from advisor.pages import forms
from advisor.pages.requirements import RequirementsForm
from advisor.question import query_string
from hardware import probe
from hardware.models import Host
from tests.security.conftest import bearer
from tests.security.payloads import ALL, MARK, PAYLOADS
from tests.support.operator_browser import open_link

pytestmark = pytest.mark.django_db
# Of the interpreter's audit events, those by which a process reaches out of itself.
REACHING = (
    "open",
    "os.",
    "subprocess.",
    "shutil.",
    "socket.",
    "glob.",
    "pathlib.",
    "tempfile.",
    "exec",
    "compile",
    "import",
)
seen: list[tuple[str, str]] = []


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    if watching and event.startswith(REACHING):
        told = repr(arguments)
        if MARK in told:
            seen.append((event, told[:300]))


watching: list[bool] = []
sys.addaudithook(watch)  # there is no taking it back, so it looks only while it is told to


@pytest.fixture
def reached() -> Iterator[list[tuple[str, str]]]:
    """What of the payloads reached the operating system meanwhile."""
    seen.clear()
    watching.append(True)
    yield seen
    watching.clear()


def test_there_are_two_hundred_of_them_and_the_watch_sees(reached: list[tuple[str, str]]) -> None:
    assert len(set(ALL)) >= 200
    assert min(len(words) for words in PAYLOADS.values()) >= 45
    with pytest.raises(OSError, match="No such file"):
        Path(f"/nowhere/{MARK}").read_bytes()
    assert reached[0][0] == "open"


QUESTION = (*query_string.KEYS, *query_string.ACCELERATOR)
DOORS: dict[str, tuple[str, tuple[str, ...]]] = {
    "the page": ("/", tuple(forms.AskForm.base_fields) + QUESTION),
    "requirements": ("/requirements/", tuple(RequirementsForm.base_fields)),
    "compare": ("/compare/", ("a", "b", *forms.AskForm.base_fields)),
    "a model": ("/models/one/", (*query_string.CARRIED, "x")),
    "recommendations": ("/api/v1/recommendations/", QUESTION),
    "models": (
        "/api/v1/models/",
        (
            *("search", "ordering", "cursor", "limit", "organisation", "licence", "language", "modality", "flag"),
            "architecture",
        ),
    ),
    "builds": ("/api/v1/builds/", ("search", "model", "quantization", "repo", "format", "bytes_max")),
    "evidence": ("/api/v1/evidence/", ("search", "source", "benchmark", "version", "metric", "date_after")),
    "launches": ("/api/v1/launches/", ("search", "status", "host", "model", "build", "cursor")),
    "accelerators": ("/api/v1/accelerators/", ("search", "vendor", "ordering", "cursor")),
    "manifest": ("/api/v1/launches/{launches}/manifest/", ("kind",)),
}  # fmt: skip


def rounds(keys: tuple[str, ...], share: int = 1, part: int = 0) -> Iterator[tuple[str, str]]:
    """The keys in turn, each with the next payload: of `share` parts of them the one numbered `part`."""
    for number, word in enumerate(ALL[part % share :: share]):
        yield keys[number % len(keys)], word


@pytest.mark.parametrize("door", DOORS)
def test_a_query_with_a_payload_is_answered(world: dict[str, str], reached: list[tuple[str, str]], door: str) -> None:
    path, keys = DOORS[door]
    client = Client(SERVER_NAME="localhost")
    for key, word in rounds(keys, 4, list(DOORS).index(door)):
        answer = client.get(path.format(**world), {key: word})
        assert answer.status_code in (200, 400, 422), (key, word, answer.status_code)
    assert reached == []


ADDRESSES = (
    "/models/{}/", "/launches/{}/", "/api/v1/models/{}/", "/api/v1/builds/{}/", "/api/v1/licences/{}/",
    "/api/v1/evidence/{}/", "/api/v1/hosts/{}/", "/api/v1/launches/{}/log/", "/static/{}", "/{}",
)  # fmt: skip


def test_an_address_with_a_payload_leads_nowhere(world: dict[str, str], reached: list[tuple[str, str]]) -> None:
    client = Client(SERVER_NAME="localhost")
    for address, word in rounds(ADDRESSES):
        answer = client.get(address.format(quote(word, safe="")))
        assert answer.status_code in (301, 308, 400, 404), (address, word, answer.status_code)
        assert answer.status_code not in (301, 308) or answer["Location"].startswith("/")
    assert [event for event in reached if "static" not in event[1]] == []


def body(key: str, word: str) -> dict[str, Any]:
    if key in ("host", "model"):
        return {"host": "local", "model": "one", key: word}
    if key in ("decision", "workload"):
        return {"decision": word} if key == "decision" else {"model": "one", "workload": {"languages": [word]}}
    wish: dict[str, Any] = {"build": "one:Q4_0", "engine": "llama.cpp", "settings": {"context": 4096}}
    return wish | {key: word} if key in ("build", "engine") else wish | {"settings": {"context": 4096, key: word}}


WISHES = (
    "host",
    "model",
    "decision",
    "workload",
    "build",
    "engine",
    "context",
    "kv_type_k",
    "kv_type_v",
    "tensor_split",
)


def test_a_launch_with_a_payload_is_refused(world: dict[str, str], reached: list[tuple[str, str]]) -> None:
    client = bearer(tokens.create_token(name="x", scopes=["launch"]))
    for key, word in rounds(WISHES, 2):
        answer = client.post("/api/v1/launches/", body(key, word), "application/json")
        assert answer.status_code in (400, 409, 422), (key, word, answer.content)
    assert Launch.objects.count() == 1
    assert reached == []


def test_a_form_of_a_launch_with_a_payload_is_refused(world: dict[str, str], reached: list[tuple[str, str]]) -> None:
    client = open_link(Client(SERVER_NAME="localhost"))
    right = {"build": "one:Q4_0", "engine": "llama.cpp", "settings": '{"context": 4096}'}
    for key, word in rounds(tuple(right), 2, 1):
        answer = client.post("/launches/", right | {key: word})
        assert (answer.status_code, answer["Location"]) == (302, "/"), (key, word)
    assert Launch.objects.count() == 1
    assert reached == []


def test_a_question_with_a_payload_anywhere_is_answered(world: dict[str, str], reached: list[tuple[str, str]]) -> None:
    client = Client(SERVER_NAME="localhost")
    places: tuple[Callable[[str], dict[str, Any]], ...] = (
        lambda word: {"hardware": {"text": word}},
        lambda word: {"hardware": {"host": word}},
        lambda word: {"hardware": {"accelerators": [{"name": word}]}},
        lambda word: {
            "hardware": {"accelerators": [{"name": word, "memory_bytes": 1 << 34, "memory_bandwidth": 10**12}]}
        },
        lambda word: {"hardware": {"ram_bytes": 1 << 34, "os": word}},
        lambda word: {"workload": {"use_case": word}},
        lambda word: {"workload": {"licence": [word]}},
        lambda word: {"engines": [word]},
        lambda word: {word: word},
        lambda word: {"workload": {word: 1}},
    )
    for number, word in enumerate(ALL[::2]):
        answer = client.post("/api/v1/recommendations/", places[number % len(places)](word), "application/json")
        assert answer.status_code in (200, 400, 422), (number % len(places), word, answer.content)
    assert reached == []


# ---------------------------------------------------------------- the last doors before the process

# Some are hostile elsewhere, as `javascript:x` is in a link; as a name in a command line they are a name.
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,100}")


@pytest.mark.parametrize("kind", PAYLOADS)
def test_no_payload_becomes_a_word_of_the_command_line(kind: str) -> None:
    for word in PAYLOADS[kind]:
        for changed in ({"alias": word}, {"model": f"{word}.bin"}, {"port": word}, {"threads": word}):
            if "alias" in changed and PLAIN.fullmatch(word):
                continue
            given: dict[str, Any] = {"model": "/models/a.gguf", "alias": "a", "port": 8100, "threads": 3} | changed
            with pytest.raises(ValueError, match="must be"):
                adapter.argv(Settings(), **given)
        for name in ("kv_type_k", "kv_type_v", "context", "slots", "gpu_layers", "tensor_split"):
            wrong: Any = (word,) if name == "tensor_split" else word
            with pytest.raises(ValueError, match="must"):
                adapter.argv(Settings()._replace(**{name: wrong}), model="/models/a.gguf", alias="a")
        with pytest.raises(ValueError, match="cannot be told"):
            adapter.env([word], "id")


def test_no_payload_as_a_file_of_the_catalog_finds_one(tmp_path: Path, reached: list[tuple[str, str]]) -> None:
    """Also not where a file of that very name lies beside the folder of the models."""
    root = tmp_path / "models"
    root.mkdir()
    (root / "right.gguf").write_bytes(b"GGUF")
    watching.clear()
    (tmp_path / f"{MARK}.gguf").write_bytes(b"GGUF")
    watching.append(True)
    for word in ALL:
        assert find_file([{"path": word, "bytes": 4, "sha256": None}], roots=[root]) is None, word
    assert reached == []


# ---------------------------------------------------------------- null characters, and cursors made by hand


def cursor(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


CURSORS = {
    "a null in a slug": f"models/?cursor={cursor(False, ['slug', 'pk'], [chr(0), 1])}",
    "an object for a key": f"evidence/?cursor={cursor(False, ['id', 'pk'], ['x', {}])}",
    "words for a key": f"evidence/?cursor={cursor(False, ['id', 'pk'], ['x', 'y'])}",
    "words for a date": f"models/?ordering=released&cursor={cursor(False, ['released', 'pk'], ['x', 1])}",
    "one number": f"evidence/?cursor={cursor(1)}",
}
NULLS: tuple[Any, ...] = (
    ("PATCH", "models/one/", {"flags": ["a\0"]}),
    ("PATCH", "models/one/", {"provenance": {"a\0": "x"}}),
    ("PATCH", "models/one/", {"provenance": {"sources": ["a\0"]}}),
    ("PATCH", "models/one/", {"architecture": {"model_type": "a\0"}}),
    ("PATCH", "models/one/", {"name": "a\0"}),
    ("PATCH", "builds/one:Q4_0/", {"files": [{"path": "a\0", "bytes": 1, "sha256": None}]}),
    ("POST", "launches/", {"host": "a\0", "model": "one"}),
    ("POST", "recommendations/", {"hardware": {"host": "a\0"}}),
    ("GET", "builds/a%00b/", None),
    ("GET", "hosts/a%00b/", None),
    *(pytest.param("GET", path, None, id=name) for name, path in CURSORS.items()),
)


@pytest.mark.postgres
@pytest.mark.parametrize(("method", "path", "sent"), NULLS)
def test_what_a_database_cannot_hold_is_refused(world: dict[str, str], method: str, path: str, sent: Any) -> None:
    client = bearer(tokens.create_token(name="x", scopes=list(tokens.SCOPES)))
    body = b"" if sent is None else json.dumps(sent).encode()
    answer = client.generic(method, f"/api/v1/{path}", body, "application/json")
    assert answer.status_code in (400, 404), answer.content
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.postgres
def test_a_null_character_on_a_page_or_in_a_reading_is_refused(world: dict[str, str]) -> None:
    assert Client(SERVER_NAME="localhost").get("/models/a%00b/").status_code == 404
    host = Host.objects.get(pk="local")
    agent = bearer(tokens.create_token(name="x", scopes=["agent"], host=host))
    reading = probe.without_drivers()
    assert agent.post("/api/v1/hosts/local/snapshots/", reading, "application/json").status_code == 201
    reading["memory"]["cpu_name"] = "a\0"
    assert agent.post("/api/v1/hosts/local/snapshots/", reading, "application/json").status_code == 400
