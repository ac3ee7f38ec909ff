"""`manage.py estimate`, called."""

from __future__ import annotations

import io
from typing import Any

from django.core.management import call_command


def called(*arguments: Any) -> str:
    """What it prints."""
    out = io.StringIO()
    call_command("estimate", *map(str, arguments), stdout=out)
    return out.getvalue()
