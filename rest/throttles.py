"""Rate limits: requests a minute by scope and token, account or address, counted in the broker for all processes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from redis import Redis, RedisError
from rest_framework.throttling import BaseThrottle

from rest.permissions import scope_of

if TYPE_CHECKING:
    from django.http import HttpRequest
    from rest_framework.request import Request
    from rest_framework.views import APIView

WINDOW = 60  # seconds
# A broker that does not answer must not hold up a read: each process counts alone, and retries the broker after this.
RETRY_SECONDS = 5.0


class ByScope(BaseThrottle):
    """RATE_LIMITS[scope] requests in each minute of the clock. A scope without a limit is not counted."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        self.left = excess(scope_of(view, request.method), caller(request))
        return self.left is None

    def wait(self) -> float | None:
        return self.left


def excess(scope: str, who: str, *, times: int = 1) -> float | None:
    """Counts one more request; the seconds until the next window when it is over `times` the limit, else None."""
    limit = times * settings.RATE_LIMITS.get(scope, 0)
    if not limit:
        return None
    window, past = divmod(time.time(), WINDOW)
    within = counts().next(f"berth:rate:{scope}:{who}:{window:.0f}") <= limit
    return None if within else WINDOW - past


def caller(request: Request | HttpRequest) -> str:
    if getattr(request, "auth", None) is not None:
        return f"token:{request.auth.pk}"
    if request.user and request.user.is_authenticated:
        return f"account:{request.user.pk}"
    return f"address:{request.META.get('REMOTE_ADDR', '')}"


class Counts:
    def __init__(self, url: str) -> None:
        self.broker = Redis.from_url(url, socket_timeout=0.2, socket_connect_timeout=0.2)
        self.down_until = 0.0
        self.lock = threading.Lock()
        self.own: Counter[str] = Counter()

    def next(self, key: str) -> int:
        """How often `key` was counted in its window, this time included."""
        if time.monotonic() >= self.down_until:
            try:
                counted: int = self.broker.pipeline().incr(key).expire(key, 2 * WINDOW).execute()[0]
            except (RedisError, OSError):
                self.down_until = time.monotonic() + RETRY_SECONDS
            else:
                return counted
        with self.lock:
            if len(self.own) > 10_000:
                self.own.clear()  # windows that ended long ago
            self.own[key] += 1
            return self.own[key]


@cache
def counts() -> Counts:
    return Counts(settings.CELERY_BROKER_URL)
