"""Environment variables parsed into settings. A bad value stops the start with one plain sentence."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from urllib.parse import SplitResult, urlsplit


def fail(sentence: str) -> None:
    sys.exit(f"Settings: {sentence}")


def flag(name: str, default: bool) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value in ("", "1", "true", "yes", "on", "0", "false", "no", "off"):
        return default if not value else value in ("1", "true", "yes", "on")
    fail(f"{name} must be true or false, not {value!r}.")
    return default


def number(name: str, default: int, low: int, high: int) -> int:
    value = os.environ.get(name, str(default))
    if not re.fullmatch("[0-9]{1,12}", value) or not low <= int(value) <= high:
        fail(f"{name} must be a whole number from {low} to {high}, not {value!r}.")
    return int(value)


def address(name: str, value: str) -> SplitResult:
    """The parts of an address, its port read."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        fail(f"{name} is no address: {error}.")
    return parts


def secret(name: str) -> str:
    """The value of NAME, or the content of the file that NAME_FILE points to, as container secrets are mounted."""
    value, path = os.environ.get(name, ""), os.environ.get(f"{name}_FILE", "")
    if value and path:
        fail(f"{name} and {name}_FILE are both set; leave one out.")
    if not path:
        return value
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{name}_FILE: {path} cannot be read ({getattr(error, 'strerror', None) or 'it is no text'}).")
        return ""
