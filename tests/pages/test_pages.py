"""Every page in every state a person can find it in, with what it says where something is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import unquote_plus
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from advisor.fit.engines.llama_cpp.memory import COMPUTED_FOR
from advisor.models import Launch
from hardware.models import Host, Snapshot
from hardware.snapshots import refresh

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def client() -> Client:
    """A person at this very machine."""
    return Client(SERVER_NAME="localhost")


@pytest.fixture
def local() -> Host:
    refresh()
    return Host.objects.get()


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.content.decode()


def launched(host: Host, status: str, **more: Any) -> Launch:
    predicted = {
        "total_bytes": 5 << 30,
        "devices": {},
        "host": {},
        "decode_tokens_per_second": {"low": 1, "mid": 2, "high": 3},
    }
    return Launch.objects.create(
        host=host, status=status, model="m", build="m:Q4_0", engine="llama.cpp", alias="m", settings={},
        **{"predicted": predicted, **more},
    )  # fmt: skip


def test_the_question_about_this_machine(client: Client, local: Host) -> None:
    text = page(client, "/")
    assert "What can I run here?" in text
    assert len(re.findall(r'<li class="result"', text)) == 10
    assert text.count(f"summed as {COMPUTED_FOR} allocates") == 10
    assert "Why not the others" in text
    assert "read " in text
    assert 'aria-label="Launch SmolLM2-135M-Instruct"' in text


def test_what_would_help_is_said_in_words(client: Client) -> None:
    text = page(client, "/?hw=2x+RTX+3090,+64+GB+RAM&rejected_limit=60")
    assert "Main memory 64.0 GiB → " in text
    assert not re.search(r"→ \d{9,}", text)  # bytes as a machine writes them
    assert ">DeepSeek-V3</a></td>" in text


@pytest.mark.parametrize(
    ("query", "said", "kept"),
    [
        ("hw=Foo+9000", "&#x27;Foo 9000&#x27; is not a GPU that Berth knows", 'value="Foo 9000"'),
        ("hw=RTX+3060,+32+GB+RAM", "can be several cards", 'value="RTX 3060, 32 GB RAM"'),
        ("min_decode_tokens_per_second=fast", "valid number", 'value="fast"'),
        ("concurrency=0", "greater than or equal to 1", 'value="0"'),
        ("use_case=poetry", "poetry", ""),
        ("colour=red", "colour is not a query key", ""),
        ("languages=German", "not a language code", 'value="German"'),
    ],
)
def test_a_wrong_entry_is_one_sentence_and_nothing_is_lost(client: Client, query: str, said: str, kept: str) -> None:
    answer = client.get(f"/?{query}")
    assert answer.status_code in (400, 422)
    text = answer.content.decode()
    assert said in text
    assert kept in text
    ways = "Which one is it?" if "RTX" in query else "Written in these ways, hardware is known"
    assert (ways in text) == (answer.status_code == 422)


def test_what_is_wrong_is_said_in_the_words_of_the_form(client: Client) -> None:
    text = unescape(page(client, "/?hw=Foo+9000", 422))
    assert "Hardware: 'Foo 9000' is not a GPU that Berth knows: state its memory and its memory bandwidth" in text
    assert "memory_bytes" not in text
    text = unescape(page(client, "/?languages=German&context=abc&concurrency=0", 400))
    for said in ("Languages: 'German' is not", "Context per request: A valid", "Requests at once: Ensure"):
        assert said in text
    assert "workload" not in text


@pytest.mark.parametrize("hw", ["RTX 3060, 32 GB RAM", "2x rtx 3080 , 128GB RAM", "M3 Max", "A100, 64 GB RAM"])
def test_a_name_of_several_cards_offers_each_as_a_link_that_answers(client: Client, hw: str) -> None:
    text = client.get("/", {"hw": hw, "use_case": "coding"}).content.decode()
    links = re.findall(r'<li><a href="(/\?hw=[^"]+)">', text)
    assert len(links) >= 2
    for link in links:
        assert "use_case=coding" in link
        assert unquote_plus(link).partition("&")[0].endswith(hw.partition(",")[2])  # what else the machine has stays
        assert '<li class="result"' in page(client, unescape(link))


def test_the_answer_stands_in_short_above_the_list(client: Client) -> None:
    text = page(client, "/?hw=2x+RTX+3090,+64+GB+RAM&use_case=coding&context=32768")
    short = re.findall(r'<a href="#answer-(\d+)"><span class="small soft">([^<]+)</span>', text)
    assert short[0][0] == "1"
    assert sorted(", ".join(words for _, words in short).lower().split(", ")) == ["best match", "fastest", "strongest"]
    speeds = [float(speed) for speed in re.findall(r'<span class="big num">[\d.]+–([\d.]+)<', text)]
    fastest = next(int(rank) for rank, words in short if "fastest" in words.lower())
    assert speeds[fastest - 1] == max(speeds)
    assert 'class="headline"' not in page(client, "/?hw=CPU+only,+1+GB+RAM&languages=xx")


@pytest.mark.parametrize(
    ("query", "is_open"),
    [("", False), ("prefer=balanced&concurrency=1", False), ("prefer=speed", True), ("tool_use=true", True)],
)
def test_filters_that_are_set_are_shown_on_a_narrow_page_too(client: Client, query: str, is_open: bool) -> None:
    assert ('<details class="filters" open>' in page(client, f"/?hw=RTX+4090,+64+GB+RAM&{query}")) == is_open


def test_an_old_reading_says_so(client: Client, local: Host) -> None:
    Snapshot.objects.update(taken=timezone.now() - timedelta(hours=3))
    text = page(client, "/")
    assert "(stale)" in text
    assert "read 3 h ago" in text


def test_a_failed_probe_is_told_and_the_machine_is_still_answered(client: Client, driver: Callable[..., None]) -> None:
    driver(GPUS="NVIDIA GeForce RTX 4090|24564|412|8.9", FAULTS="nvmlDeviceGetMemoryInfo_v2=999")
    refresh()
    text = page(client, "/")
    assert "note warn" in text
    assert '<li class="result"' in text


@pytest.mark.parametrize("status", [*Launch.ACTIVE, *Launch.FINAL])
@pytest.mark.parametrize("measured", [None, {"total_bytes": 5 << 30, "decode_tokens_per_second": 2, "source": "rss"}])
def test_a_launch_in_every_state(client: Client, local: Host, status: str, measured: dict[str, Any] | None) -> None:
    launch = launched(local, status, measured=measured, port=1, message="why it is so")
    text = page(client, f"/launches/{launch.pk}/")
    assert f"{status}</span>" in text
    assert "why it is so" in text
    assert ("Prediction is off by" in text) == bool(measured)
    assert ("Stop</button>" in text) == (status in ("queued", "downloading", "starting", "ready"))
    assert f"{status}</span>" in page(client, "/launches/")


def test_a_measurement_without_a_total_is_shown_as_unknown(client: Client, local: Host) -> None:
    measured = {"total_bytes": None, "decode_tokens_per_second": None, "source": "engine log"}
    text = page(client, f"/launches/{launched(local, 'ready', measured=measured, port=1).pk}/")
    assert "unknown" in text
    assert "Prediction is off by" not in text


@pytest.mark.parametrize("path", ["", "stop/", "chat/"])
def test_a_launch_that_does_not_exist_is_a_page_that_says_so(client: Client, path: str) -> None:
    url = f"/launches/{uuid4()}/{path}"
    answer = client.post(url, {"prompt": "x"}) if path else client.get(url)
    assert answer.status_code == 404
    assert "There is nothing at this address." in answer.content.decode()


def test_an_error_of_ours_is_a_page_without_a_traceback(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.raise_request_exception = False
    monkeypatch.setattr("advisor.pages.hosts.documents", lambda: 1 / 0)
    answer = client.get("/hardware/")
    assert answer.status_code == 500
    assert answer["Content-Type"].startswith("text/html")
    assert "Something went wrong on our side" in answer.content.decode()
    assert "Traceback" not in answer.content.decode()


def test_hardware_with_two_gpus_and_a_host_that_sent_nothing(client: Client, driver: Callable[..., None]) -> None:
    driver(GPUS="NVIDIA GeForce RTX 4090|24564|412|8.9;NVIDIA GeForce RTX 3090|24576|300|8.6")
    refresh()
    Host.objects.create(id="far", name="far", queue="host.far")
    text = page(client, "/hardware/")
    assert "NVIDIA GeForce RTX 3090" in text
    assert "has sent no snapshot yet" in text


def test_what_others_wrote_is_text(client: Client, local: Host) -> None:
    launch = launched(local, "failed", message=HOSTILE, reason="exited")
    Host.objects.update(name=HOSTILE)
    for path in (f"/launches/{launch.pk}/", "/launches/", "/hardware/", f"/?hw={HOSTILE}", f"/?{HOSTILE}=1"):
        assert HOSTILE not in client.get(path).content.decode(), path


def test_only_this_machine_and_staff_may_launch_and_stop(local: Host) -> None:
    launch = launched(local, "queued")
    stranger = Client(REMOTE_ADDR="192.0.2.7")
    assert "Launch</button>" not in page(stranger, "/")
    assert stranger.post(f"/launches/{launch.pk}/stop/").status_code == 403
    assert stranger.post("/launches/", {"build": "x"}).status_code == 403
    launch.refresh_from_db()
    assert launch.status == "queued"
    stranger.force_login(User.objects.create_user("staff", is_staff=True))
    assert stranger.post(f"/launches/{launch.pk}/stop/").status_code == 302
    launch.refresh_from_db()
    assert launch.status == "stopped"


@pytest.mark.parametrize("path", ["/launches/", f"/launches/{UUID(int=1)}/stop/", f"/launches/{UUID(int=1)}/chat/"])
def test_every_unsafe_page_wants_the_token_of_its_form(path: str) -> None:
    assert Client(enforce_csrf_checks=True).post(path, {}).status_code == 403


def test_a_wish_that_cannot_be_met_comes_back_with_a_sentence(client: Client, local: Host) -> None:
    answer = client.post("/launches/", {"build": "no-such:Q4_0", "settings": '{"context": 4096}'}, follow=True)
    assert "Not launched: " in answer.content.decode()
    assert "is not a build of this catalog" in answer.content.decode()
