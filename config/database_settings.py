"""DATABASE_URL, or the embedded SQLite."""

from __future__ import annotations

from urllib.parse import unquote

from config.environment import address, fail, number, secret
from config.server_settings import BERTH_DATA

# Seconds to wait for another's write, or for a server that does not answer. Web processes wait for 2, because somebody
# waits for them (config/asgi.py).
WAIT = number("DATABASE_WAIT", 20, 1, 600)


def database(url: str) -> dict[str, object]:
    return postgresql(url) if url else sqlite()


def sqlite() -> dict[str, object]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BERTH_DATA / "berth.sqlite3",
        # A file in tests too: an in-memory database would hide every locking mistake.
        "TEST": {"NAME": BERTH_DATA / "test.sqlite3"},
        "CONN_MAX_AGE": 60,  # to open the file and set it up takes longer than what is asked of it
        # IMMEDIATE: a write waits for its turn at BEGIN instead of failing half way with "database is locked".
        # A page cache of 256 kB instead of 2 MB for each thread: what it misses, the system's own cache has.
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": WAIT,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-256;",
        },
    }


def postgresql(url: str) -> dict[str, object]:
    parts = address("DATABASE_URL", url)
    if parts.scheme not in ("postgres", "postgresql"):
        fail("DATABASE_URL must start with postgresql://, or be empty for the embedded SQLite.")
    query = dict(p.split("=", 1) for p in parts.query.split("&") if "=" in p)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(query.get("host", parts.hostname or "")),
        "PORT": parts.port or "",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # The last three notice a server that is gone; one that is frozen acknowledges everything, and only the bounds
        # of the web server end the wait.
        "OPTIONS": {
            "options": f"-c lock_timeout={WAIT}s -c statement_timeout={5 * WAIT}s "
            "-c idle_in_transaction_session_timeout=60s",
            **{"connect_timeout": WAIT, "tcp_user_timeout": 1000 * WAIT, "keepalives_idle": WAIT},
        },
    }


DATABASES = {"default": database(secret("DATABASE_URL"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
