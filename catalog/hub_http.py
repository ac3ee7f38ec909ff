"""An HTTP client that reaches only the endpoint the operator chose.

Hosts are checked where a request leaves, addresses where the socket is opened, bytes and time where it is read: a
redirect, a name that resolves elsewhere the second time (DNS rebinding), or a server that drips meets the same check as
the first request. Requests pass only inside `allowed()`, which one import opens.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpcore2
import httpx2
from django.conf import settings

from catalog.addresses import is_public, looked_up

MOST_REDIRECTS = 3
KEEP_SECONDS = 5.0  # an idle connection is kept for the next shard


class HubError(Exception):
    """The hub was not reached, or gave an impossible answer; the message is one sentence for the user."""


@dataclass
class Allowance:
    """The remaining bytes and time of one import, and of its current request."""

    deadline: float
    bytes_left: int
    request_seconds: float
    request_bytes: int
    idle_seconds: float = float("inf")  # without a byte
    request_deadline: float = 0.0
    request_bytes_left: int = 0

    def begin_request(self) -> None:
        self.request_deadline = time.monotonic() + self.request_seconds
        self.request_bytes_left = self.request_bytes

    def seconds(self) -> float:
        """Seconds until the nearer of the two deadlines."""
        now = time.monotonic()
        if now >= self.deadline:
            raise HubError(f"The import took longer than {settings.HUB_SECONDS} s and was given up.")
        if now >= self.request_deadline:
            raise HubError(f"The hub took longer than {self.request_seconds:g} s over one answer.")
        return min(min(self.deadline, self.request_deadline) - now, self.idle_seconds)

    def spend(self, size: int) -> None:
        self.bytes_left -= size
        self.request_bytes_left -= size
        if self.request_bytes_left < 0:
            raise HubError(f"The hub sent more than {self.request_bytes >> 20} MiB in one answer.")
        if self.bytes_left < 0:
            raise HubError(f"The import took more than {settings.HUB_BYTES >> 20} MiB and was given up.")


_current: ContextVar[Allowance | None] = ContextVar("allowance", default=None)


@contextmanager
def allowed() -> Iterator[Allowance]:
    """Allows requests to the hub within this block, up to the limits of the settings."""
    limits = settings.HUB_REQUEST_SECONDS, settings.HUB_REQUEST_BYTES
    with _within(Allowance(time.monotonic() + settings.HUB_SECONDS, settings.HUB_BYTES, *limits)) as allowance:
        yield allowance


@contextmanager
def allowed_file(size: int, idle_seconds: float) -> Iterator[Allowance]:
    """Allows the download of one file of `size` bytes within this block, however long it takes while bytes come."""
    most = 2 * size + (1 << 20)  # it may have to begin anew, and headers count
    endless = float("inf")
    with _within(Allowance(endless, 100 * most, endless, most, idle_seconds)) as allowance:
        yield allowance


@contextmanager
def _within(allowance: Allowance) -> Iterator[Allowance]:
    token = _current.set(allowance)
    try:
        yield allowance
    finally:
        _current.reset(token)


def current() -> Allowance:
    allowance = _current.get()
    if allowance is None:
        raise HubError("The hub is asked by an explicit import only.")
    return allowance


def check_url(scheme: str, host: str, port: int | None) -> None:
    """Raises HubError unless this is the endpoint, or one of the hosts from which it serves files."""
    endpoint = urlsplit(settings.HF_ENDPOINT)
    if (scheme, host, port) == (endpoint.scheme, endpoint.hostname, endpoint.port):
        return
    if scheme not in ("https", endpoint.scheme) or not any(
        _matches(rule, host, port) for rule in settings.HF_CDN_HOSTS
    ):
        raise HubError(
            f"The hub points to {scheme}://{host}, which is none of the hosts of HF_ENDPOINT and HF_CDN_HOSTS."
        )


def _matches(rule: str, host: str, port: int | None) -> bool:
    """`name` and `name:port` match that host, `.name` any host below it; without a port, the scheme's default port."""
    name, _, wanted = rule.partition(":")
    right_host = host.endswith(name) if name.startswith(".") else host == name
    return right_host and port == (int(wanted) if wanted else None)


# ---------------------------------------------------------------- sockets


class Backend(httpcore2.SyncBackend):
    """Opens sockets to checked addresses only. `resolve(host, port, seconds)` gives the addresses of a name."""

    def __init__(self, resolve: Callable[[str, int, float], list[str]] = looked_up) -> None:
        self.resolve = resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        allowance = current()
        addresses = self.resolve(host, port, allowance.seconds())
        if not addresses:
            raise HubError(
                f"The hub at {host} cannot be reached: its name has no address here. Is this machine offline?"
            )
        chosen = urlsplit(settings.HF_ENDPOINT).hostname == host
        for address in addresses:
            if not chosen and not is_public(address):
                raise HubError(f"{host} leads to {address}, which is not on the open internet; it is not asked.")
        # Connect to the address that was checked, not to the name: a second look-up might answer differently.
        return Stream(self.open(addresses[0], port, allowance.seconds()))

    def open(self, address: str, port: int, seconds: float) -> httpcore2.NetworkStream:
        return super().connect_tcp(address, port, seconds)


class Stream(httpcore2.NetworkStream):
    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self.inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self.inner.read(max_bytes, current().seconds())
        current().spend(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.inner.write(buffer, current().seconds())

    def close(self) -> None:
        self.inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return Stream(self.inner.start_tls(ssl_context, server_hostname, current().seconds()))

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)


class Transport(httpx2.HTTPTransport):
    def __init__(self, backend: httpcore2.NetworkBackend) -> None:
        super().__init__()
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(), network_backend=backend, keepalive_expiry=KEEP_SECONDS
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        allowance = current()
        if request.method not in ("GET", "HEAD"):
            raise HubError("The hub is only read, never written.")
        check_url(request.url.scheme, request.url.host, request.url.port)
        allowance.begin_request()
        request.headers["Accept-Encoding"] = "identity"
        response = super().handle_request(request)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            # A decompressed body could exceed the bytes counted on the wire.
            raise HubError("The hub sent a compressed answer although none was asked for.")
        return response


def client(backend: httpcore2.NetworkBackend | None = None) -> httpx2.Client:
    """The HTTP client for huggingface_hub; proxies of the environment are ignored."""
    return httpx2.Client(
        transport=Transport(backend or Backend()), follow_redirects=True, max_redirects=MOST_REDIRECTS, trust_env=False
    )
