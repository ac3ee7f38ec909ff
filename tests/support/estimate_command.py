"""Runs `manage.py estimate`."""

from __future__ import annotations

import io
from typing import Any

from django.core.management import call_command


def called(*arguments: Any) -> str:
    """The command's output."""
    out = io.StringIO()
    call_command("estimate", *map(str, arguments), stdout=out)
    return out.getvalue()
