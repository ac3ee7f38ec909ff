"""Where model files are looked for, besides the folders of Berth's own: read only, each with a switch."""

from __future__ import annotations

import os
from pathlib import Path

from config.environment import fail
from config.server_settings import BERTH_DATA


def home(*parts: str) -> Path:
    return Path(os.path.expanduser("~"), *parts)


def named(variable: str, *default: str) -> Path:
    """The folder that another program is told by a variable, else its usual one."""
    return Path(os.environ[variable]) if os.environ.get(variable) else home(*default)


# The only folders out of which a model file is ever launched, besides the bundled model.
MODEL_ROOTS = [
    Path(p).resolve() for p in os.environ.get("BERTH_MODELS", str(BERTH_DATA / "models")).split(os.pathsep) if p
]
_hub = named("HF_HOME", ".cache/huggingface") / "hub"
OTHERS = {
    "hub cache": [Path(os.environ.get("HF_HUB_CACHE") or _hub)],
    "lm studio": [home(".lmstudio/models"), home(".cache/lm-studio/models")],
    "ollama": [named("OLLAMA_MODELS", ".ollama/models")],
    "llama.cpp cache": [named("LLAMA_CACHE", ".cache/llama.cpp")],
}
# `BERTH_ORIGINS=hub cache,ollama`: which of them are looked into. All where it is not set, none where it is empty.
_wanted = [name.strip() for name in os.environ.get("BERTH_ORIGINS", ",".join(OTHERS)).split(",") if name.strip()]
for _name in _wanted:
    if _name not in OTHERS:
        fail(f"BERTH_ORIGINS must name some of {', '.join(OTHERS)}, with commas between them, not {_name!r}.")
FILE_ORIGINS = {name: roots for name, roots in OTHERS.items() if name in _wanted}
