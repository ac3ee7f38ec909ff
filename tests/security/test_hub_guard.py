"""The hub's client reaches one endpoint, checked addresses, so many bytes and so many seconds; nothing else."""

from __future__ import annotations

import gzip
import time

import httpcore2
import pytest
from huggingface_hub import get_session

from catalog import hub, hub_http
from catalog.hub_http import HubError, check_url
from tests.support import hub as fake

NAME = "acme/tiny"


@pytest.fixture
def server(tmp_path, settings):
    config = tmp_path / "config.json"
    config.write_text('{"model_type": "llama"}')
    with fake.running(fake.Hub()) as running:
        running.add(NAME, {"config.json": config})
        settings.HF_ENDPOINT = running.url
        settings.HF_CDN_HOSTS = []
        settings.HF_TOKEN = "hf_secret"
        settings.HUB_SECONDS, settings.HUB_REQUEST_SECONDS = 5, 2
        yield running


def read():
    with hub.allowed():
        return hub.read_json(hub.repository(NAME), "config.json")


def refused(words):
    with pytest.raises(HubError, match=words) as caught:
        read()
    assert str(caught.value).endswith((".", "?"))
    assert "\n" not in str(caught.value)


def ask_many_times(pause):
    for _ in range(100):
        hub.repository(NAME)
        time.sleep(pause)


@pytest.mark.parametrize(
    ("scheme", "host", "port"),
    [
        ("https", "evil.example", None),
        ("http", "huggingface.co", None),
        ("https", "huggingface.co", 8443),
        ("https", "huggingface.co.evil.example", None),
        ("https", "evilhf.co", None),
        ("https", "hf.co", None),
        ("https", "cdn-lfs.huggingface.co", 22),
        ("http", "cas-bridge.xethub.hf.co", None),
        ("https", "127.0.0.1", None),
        ("https", "0177.0.0.1", None),
        ("https", "[::ffff:127.0.0.1]", None),
        ("file", "huggingface.co", None),
    ],
)
def test_only_the_endpoint_and_its_stores_are_asked(settings, scheme, host, port):
    settings.HF_ENDPOINT = "https://huggingface.co"
    with pytest.raises(HubError, match="none of the hosts"):
        check_url(scheme, host, port)
    check_url("https", "huggingface.co", None)
    check_url("https", "cas-bridge.xethub.hf.co", None)
    check_url("https", "cdn-lfs.huggingface.co", None)


class Routed(hub_http.Backend):
    """Says where it would have gone, and goes to the test's server."""

    def __init__(self, answers, port):
        super().__init__(lambda host, port, seconds: answers.pop(0) if answers else [])
        self.port, self.opened = port, []

    def open(self, address, port, seconds):
        self.opened.append(address)
        return httpcore2.SyncBackend().connect_tcp("127.0.0.1", self.port, seconds)


def port_of(server):
    return int(server.url.rpartition(":")[2])


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "fd00:ec2::254"])
def test_a_store_that_leads_to_an_inner_address_is_not_asked(server, settings, address):
    settings.HF_CDN_HOSTS = ["store.example"]
    backend = Routed([["8.8.8.8", address]], port_of(server))
    with (
        hub_http.allowed(),
        hub_http.client(backend) as client,
        pytest.raises(HubError, match="not on the open internet"),
    ):
        client.get("http://store.example/x")
    assert backend.opened == []


def test_the_checked_address_is_the_one_that_is_opened_whatever_the_name_says_next(server, settings):
    settings.HF_CDN_HOSTS = ["store.example"]
    backend = Routed([["8.8.8.8"], ["127.0.0.1"]], port_of(server))
    with hub_http.allowed(), hub_http.client(backend) as client:
        client.get("http://store.example/x", headers={"Connection": "close"})
        with pytest.raises(HubError, match="not on the open internet"):
            client.get("http://store.example/x")
    assert backend.opened == ["8.8.8.8"]


def test_the_operators_own_endpoint_may_be_on_an_inner_network(server):
    assert read() == {"model_type": "llama"}


def test_nothing_passes_outside_an_import(server):
    with pytest.raises(HubError, match="explicit import only"):
        get_session().get(server.url)
    assert server.asked == []


def test_nothing_is_ever_written_to_the_hub(server):
    with hub_http.allowed(), pytest.raises(HubError, match="never written"):
        get_session().post(server.url, json={})
    assert server.asked == []


@pytest.mark.parametrize(
    "target",
    [
        "http://localhost:{port}/x",
        "http://127.0.0.2:{port}/x",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:{port}/x",
        "http://0177.0.0.1:{port}/x",
        "http://2130706433:{port}/x",
        "http://127.0.0.1:1/x",
        "https://evil.example/x",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/x",
        "//evil.example/x",
    ],
)
def test_a_redirect_elsewhere_is_refused(server, target):
    server.instead["/resolve/"] = fake.redirect(target.format(port=port_of(server)))
    refused("none of the hosts|not HTTP|cannot be reached")
    assert len(server.asked) == 2


def test_a_redirect_to_a_listed_store_is_followed_without_the_token(server, settings):
    with fake.running(fake.Hub(instead={"/blob": fake.body(b'{"from": "store"}')})) as store:
        settings.HF_CDN_HOSTS = [store.url.removeprefix("http://")]
        server.instead["/resolve/"] = fake.redirect(f"{store.url}/blob")
        assert read() == {"from": "store"}
    assert all(headers["authorization"] == "Bearer hf_secret" for _, headers in server.asked)
    assert [headers.get("authorization") for _, headers in store.asked] == [None]


def test_redirects_in_a_circle_end(server):
    server.instead["/resolve/"] = fake.redirect("/acme/tiny/resolve/main/config.json")
    refused("circles")


def test_a_silent_server_is_given_up(server, settings):
    settings.HUB_REQUEST_SECONDS = 0.3
    server.instead["/resolve/"] = fake.silent(1)
    started = time.monotonic()
    refused("in time|longer than")
    assert time.monotonic() - started < 1


def test_a_dripping_answer_is_given_up_though_every_drop_is_in_time(server, settings):
    settings.HUB_REQUEST_SECONDS = 0.5
    server.instead["/resolve/"] = fake.dripping
    started = time.monotonic()
    refused("longer than 0.5 s over one answer|in time")
    assert time.monotonic() - started < 2


def test_an_import_ends_in_time_however_many_requests_it_makes(server, settings):
    settings.HUB_SECONDS = 0.4
    with pytest.raises(HubError, match=r"longer than 0\.4 s|in time"), hub.allowed():
        ask_many_times(0.05)


def test_an_endless_answer_is_cut(server, settings):
    settings.HUB_REQUEST_BYTES = 1 << 20
    server.instead["/resolve/"] = fake.endless
    refused("more than 1 MiB in one answer")


def test_an_import_takes_so_many_bytes_in_all(server, settings):
    settings.HUB_BYTES = 1 << 12
    with pytest.raises(HubError, match="and was given up"), hub.allowed():
        ask_many_times(0)


def test_a_compressed_answer_is_refused_unread(server):
    bomb = gzip.compress(b" " * (1 << 20))
    server.instead["/api/models/"] = fake.body(bomb, **{"Content-Encoding": "gzip"})
    refused("compressed")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (fake.broken, "broke off"),
        (fake.body(b"<html>"), "not what it should be"),
        (fake.body(b"[1, 2]"), "not what it should be"),
        (fake.body(b'{"id": "acme/tiny", "sha": "main", "siblings": []}'), "names no commit"),
        (fake.body(b'{"id": "acme/tiny", "sha": null}'), "names no commit"),
        (fake.body(b'{"id": "a", "sha": "x", "siblings": [{"rfilename": "f", "size": -1}]}'), "states no size"),
        (fake.body(b'{"id": "a", "sha": "x", "siblings": [{"rfilename": "f"}]}'), "states no size"),
        (fake.body(b'{"id": "a", "sha": "x", "siblings": [7]}'), "not what it should be"),
        (fake.status(401), "HF_TOKEN"),
        (fake.status(403), "HF_TOKEN"),
        (fake.status(404), "not on the hub"),
        (fake.status(429), "status 429"),
        (fake.status(500), "status 500"),
    ],
)
def test_a_wrong_answer_of_the_api_is_a_sentence(server, reply, words):
    server.instead["/api/models/"] = reply
    refused(words)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_configuration_that_is_no_json_object_is_a_sentence(server, content):
    server.instead["/resolve/"] = fake.body(content)
    refused("config.json of acme/tiny is not")


def test_offline_is_a_plain_sentence(settings):
    settings.HF_ENDPOINT = "http://127.0.0.1:1"
    refused("cannot be reached. Is this machine offline?")


def test_a_name_without_an_address_is_a_plain_sentence(settings):
    settings.HF_ENDPOINT = "https://hub.invalid"
    refused("cannot be reached")


@pytest.mark.parametrize(
    "name", ["tiny", "a/b/c", "../etc", "acme/..", "acme/ti ny", "http://x/y", "acme/tiny?x=1", ""]
)
def test_a_repository_is_named_by_organisation_and_name(server, name):
    with hub.allowed(), pytest.raises(HubError, match="organisation/name"):
        hub.repository(name)
    assert server.asked == []
