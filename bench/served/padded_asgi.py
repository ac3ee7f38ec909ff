"""The web application on the seed catalog padded to BENCH_MODELS models of six builds (`padding.py`)."""

from __future__ import annotations

import os

from config.asgi import application  # the server's entry point; it sets Django up

# isort: split
from padding import padded

from advisor.selectors import catalog

_load = catalog.load_catalog
catalog.load_catalog = lambda digest: padded(_load(digest), int(os.environ["BENCH_MODELS"]), 6)
__all__ = ["application"]
