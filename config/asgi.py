"""What the web server calls: bounds in time, size and number around Django, so that no request keeps others waiting.

A request takes a thread only when its body is complete. Threads are of several kinds, by what a request may have to
wait for: models that hang take no thread from questions, a locked database none from `/healthz`. A request waits for a
thread as long as others of its kind get done; where they do not, it is told so with a 503.
"""

from __future__ import annotations

import asyncio
import io
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.wsgi import WsgiToAsgiInstance

os.environ.setdefault("DATABASE_WAIT", "2")  # before the settings are read: a visitor is told rather than kept waiting

from django.conf import settings
from django.urls import Resolver404, resolve

from config.wsgi import application as django

log = logging.getLogger(__name__)
Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Answer = tuple[dict[str, Any], bytes]

LARGEST = 2 * settings.DATA_UPLOAD_MAX_MEMORY_SIZE  # bytes of a body, files of forms included
MOST_HELD = 64_000_000  # bytes of all bodies that are being received
FIRST_SECONDS, SLOWEST = 5.0, 16_000  # a body may take these seconds, and one more for each so many bytes
PATIENCE = 0.3  # seconds that a request waits while nothing of its kind gets done
MOST_WAITING = 500


class Kind:
    """Threads for requests that may have to wait for the same thing, and how long one of them may take."""

    def __init__(self, name: str, threads: int, seconds: float) -> None:
        self.pool = ThreadPoolExecutor(threads, name)
        self.seconds = seconds
        self.free = asyncio.Semaphore(threads)
        self.waiting, self.last_done = 0, 0.0

    async def admits(self) -> bool:
        """Take a thread's place; False where none becomes free and nothing gets done."""
        if self.waiting >= MOST_WAITING:
            return False
        since = time.monotonic()
        self.waiting += 1
        try:
            while (patience := max(since, self.last_done) + PATIENCE - time.monotonic()) > 0:
                try:
                    async with asyncio.timeout(patience):
                        return await self.free.acquire()
                except TimeoutError:
                    continue
            return False
        finally:
            self.waiting -= 1

    async def run(self, call: Callable[[], Answer]) -> Answer | None:
        """The answer, None when it takes too long: the thread's place is free again only when it is done."""
        done = asyncio.get_running_loop().run_in_executor(self.pool, call)
        done.add_done_callback(self.ended)
        finished, _ = await asyncio.wait([done], timeout=self.seconds)
        return done.result() if finished else None

    def ended(self, done: asyncio.Future[Answer]) -> None:
        self.last_done = time.monotonic()
        self.free.release()
        if not done.cancelled():
            done.exception()  # looked at, so that nobody is warned of it


READS = Kind("reads", 4, 10)  # the database, a processor
WRITES = Kind("writes", 4, 30)  # another's write
ELSEWHERE = Kind("elsewhere", 8, 130)  # a model's answer, a hub, a probe
PROBES = Kind("probes", 2, 3)
QUICK = Kind("quick", 2, 5)  # nothing
SAFE = ("GET", "HEAD", "OPTIONS")
WAIT_ELSEWHERE = {"launch-chat", "admin:catalog_model_from_hub", "api-build-refresh"}
# Questions come as POST and write nothing that they wait for.
ASKING = {"recommendations", "api-requirements", "estimates", "ask", "requirements", "compare"}


def kind_of(scope: Scope) -> Kind:
    path, safe = scope["path"], scope["method"] in SAFE
    if path == "/healthz" or path.startswith("/static/"):
        return QUICK
    if path in ("/readyz", "/metrics"):
        return PROBES
    try:
        name = resolve(path).view_name
    except Resolver404:
        return READS
    if name in WAIT_ELSEWHERE:
        return READS if safe else ELSEWHERE
    return READS if safe or name in ASKING else WRITES


class Refused(Exception):
    """Before Django sees it: the status that it is asked to answer with."""

    def __init__(self, status: int) -> None:
        self.status = status


class Gone(Exception):
    """The client hung up."""


class Bodies:
    """Bodies being received, bounded one by one and all together."""

    def __init__(self) -> None:
        self.held = 0

    async def read(self, receive: Receive) -> bytes:
        """The whole body. Raises Refused: too large, too slow, too many; Gone."""
        body, begun = bytearray(), time.monotonic()
        try:
            while True:
                left = begun + FIRST_SECONDS + len(body) / SLOWEST - time.monotonic()
                try:
                    async with asyncio.timeout(left):
                        message = await receive()
                except TimeoutError:
                    raise Refused(408) from None
                if message["type"] != "http.request":
                    raise Gone
                part = message.get("body", b"")
                body += part
                self.held += len(part)
                if len(body) > LARGEST:
                    raise Refused(413)
                if self.held > MOST_HELD:
                    raise Refused(503)
                if not message.get("more_body"):
                    return bytes(body)
        finally:
            self.held -= len(body)


class Call(WsgiToAsgiInstance):
    """One request, as Django's WSGI application answers it in a thread."""

    response_start: dict[str, Any]

    def __init__(self, scope: Scope, body: bytes = b"", refused: int = 0) -> None:
        super().__init__(django)
        self.scope, self.body, self.refused = scope, body, refused

    def __call__(self) -> Answer:  # type: ignore[override]
        try:
            environ = self.build_environ(self.scope, io.BytesIO(self.body))
        except ValueError:  # a hundred times the same header
            return {"type": "http.response.start", "status": 400, "headers": []}, b""
        # Django reads as many bytes as this says, and none of a chunked body, which has no length of its own.
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ |= {"CONTENT_LENGTH": str(len(self.body)), settings.REFUSED: self.refused}
        answer = django(environ, self.start_response)
        try:
            return self.response_start, b"".join(answer)
        finally:
            if close := getattr(answer, "close", None):
                close()


async def answer(scope: Scope, receive: Receive) -> Answer:
    try:
        body = await bodies.read(receive)
        kind = kind_of(scope)
        if not await kind.admits():
            raise Refused(503)
        if found := await kind.run(Call(scope, body)):
            return found
        log.warning("%s %s took more than %g s.", scope["method"], scope["path"], kind.seconds)
        raise Refused(503)
    except Refused as refused:
        if await QUICK.admits() and (told := await QUICK.run(Call(scope, refused=refused.status))):
            return told
        return {"type": "http.response.start", "status": refused.status, "headers": [(b"retry-after", b"5")]}, b""


bodies = Bodies()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        start, content = await answer(scope, receive)
    except Gone:
        return
    await send(start)
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})
