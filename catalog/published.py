"""Where the hub serves the files of a build."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from django.conf import settings


def file_url(repo: str, file: Mapping[str, Any]) -> str:
    """The address of one file of a repository, at the commit that the catalog knows, else at the newest."""
    return f"{settings.HF_ENDPOINT}/{quote(repo)}/resolve/{file.get('revision') or 'main'}/{quote(str(file['path']))}"
