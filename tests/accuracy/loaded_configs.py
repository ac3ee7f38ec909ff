"""Published `config.json` files as they are loaded, by the name of their layout."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
CONFIGS: dict[str, dict[str, Any]] = json.loads(gzip.decompress((DATA / "loaded_configs.json.gz").read_bytes()))[
    "configs"
]
