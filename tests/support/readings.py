"""A reading as another machine's agent sends it."""

from __future__ import annotations

from typing import Any

READING: dict[str, Any] = {
    "os": "linux",
    "memory": {"total": 64 * 1024**3, "available": 60 * 1024**3, "cpu_cores": 16, "cpu_name": "EPYC"},
    "driver": "580.95.05",
    "error": None,
    "accelerators": [
        {
            "vendor": "nvidia",
            "kind": "gpu",
            "uuid": "GPU-far",
            "name": "NVIDIA L4",
            "memory_total": 23034 * 1024**2,
            "memory_free": 22000 * 1024**2,
            "error": None,
        }
    ],
}
