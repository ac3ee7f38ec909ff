"""Who may do what, how often, and what a browser is told to refuse."""

from __future__ import annotations

import os
import re

from config.environment import fail, flag
from config.server_settings import BERTH_DATA, HTTPS, LOOPBACK

SCOPES = ("read", "recommend", "agent", "launch", "catalog")
RATES = (*SCOPES, "sign-in")


def rates(text: str, default: dict[str, int]) -> dict[str, int]:
    """`read=600,launch=30`: requests a minute by scope; what is left out keeps its default, 0 is no limit."""
    given = {}
    for part in filter(None, text.split(",")):
        scope, _, value = part.strip().partition("=")
        if scope not in RATES or not re.fullmatch("[0-9]{1,6}", value):
            fail(f"RATE_LIMITS must be such as read=600,launch=30 with {', '.join(RATES)}, not {part.strip()!r}.")
        given[scope] = int(value)
    return default | given


# Whether visitors without an account may read and ask; on only where nobody else can reach the page.
ANONYMOUS_ACCESS = flag("BERTH_ANONYMOUS", LOOPBACK)
# Whether the link that the start prints makes a browser the operator's: it may launch and stop without an account. No
# address does that: behind a proxy on this machine everybody comes from loopback.
LOCAL_OPERATOR = flag("BERTH_LOCAL_OPERATOR", LOOPBACK)
# Made anew at each start by the supervisor, which also leaves it where `manage.py operator_link` finds it.
OPERATOR_KEY = os.environ.get("BERTH_OPERATOR_KEY", "")
OPERATOR_FILE = BERTH_DATA / "operator_key"
# Whether /metrics is there, for whoever may read.
METRICS = flag("BERTH_METRICS", LOOPBACK)
# Requests a minute by scope, for each token, account or address, and attempts to sign in as one account from one
# address. On loopback nobody needs protection.
RATE_LIMITS = rates(
    os.environ.get("RATE_LIMITS", ""),
    {} if LOOPBACK else {"read": 3000, "recommend": 3000, "agent": 600, "launch": 60, "catalog": 600, "sign-in": 10},
)
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"  # where an unsafe `next` leads

SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "config.errors.no_csrf"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
# Preloading is a promise of a whole domain to every browser: its owner's to make, not ours.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SECURE_SSL_REDIRECT = HTTPS
# Asked from inside, past the proxy.
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # a model's page has nine for each of its results, and some have over a hundred
