"""Where this Berth keeps its data, where it listens and by which names it is called."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from config.environment import fail, flag, number

SHORTEST_KEY = 32  # characters


def secret_key() -> str:
    """SECRET_KEY, or the file named by SECRET_KEY_FILE, or one made once under the data folder."""
    key, place = os.environ.get("SECRET_KEY", ""), "SECRET_KEY"
    if not key:
        path = Path(os.environ.get("SECRET_KEY_FILE") or BERTH_DATA / "secret_key")
        key, place = kept_key(path), str(path)
    if len(key) < SHORTEST_KEY:
        fail(f"{place} must hold at least {SHORTEST_KEY} characters that nobody can guess, not {len(key)}.")
    return key


def kept_key(path: Path) -> str:
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            make_key(path)
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        fail(f"SECRET_KEY is not set and {path} cannot be read or written ({why}).")
        return ""


def make_key(path: Path) -> None:
    """All of it or nothing, as on a full disk; of several that start at once the first one's stays."""
    making = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with open(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(making, path)
    finally:
        making.unlink(missing_ok=True)


BASE_DIR = Path(__file__).resolve().parent.parent
BERTH_DATA = Path(os.environ.get("BERTH_DATA") or BASE_DIR / "var").resolve()
if BERTH_DATA.exists() and not BERTH_DATA.is_dir():
    fail(f"BERTH_DATA must be a folder, not {BERTH_DATA}.")
PORT = number("PORT", 8000, 1, 65535)
# Loopback unless said otherwise: whoever reaches the page with a launch right starts programs on this machine.
BIND = os.environ.get("BERTH_BIND") or "127.0.0.1"
LOOPBACK = BIND in ("127.0.0.1", "::1", "localhost")
HTTPS = flag("BERTH_HTTPS", False)
# One: the catalog is some 30 MB in each. More where many people ask at once.
WEB_WORKERS = number("WEB_WORKERS", 1, 1, 64)
DEBUG = flag("DEBUG", False)
if DEBUG and not LOOPBACK:
    fail("DEBUG shows settings to whoever asks: it must be false where BERTH_BIND is not loopback.")
SECRET_KEY = secret_key()
ALLOWED_HOSTS = [h for h in os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",") if h]
if "*" in ALLOWED_HOSTS:
    fail("ALLOWED_HOSTS must name hosts; '*' is refused.")
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("CSRF_TRUSTED_ORIGINS", "").split(",") if o]

# The machine that this process runs on. Every host has a queue of its own: a launch must reach its own GPUs.
HOST_ID = os.environ.get("BERTH_HOST") or "local"
if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", HOST_ID):
    fail(f"BERTH_HOST must be lower-case letters, digits and dashes, not {HOST_ID!r}.")
HOST_QUEUE = f"host.{HOST_ID}"
# Under this key `config/asgi.py` tells Django's first middleware that a request is refused, and by which status.
REFUSED = "berth.refused"
