"""A small pinned catalog that does not change with the shipped one: `{path: content}` of a data folder.

python -m tests.support.pinned            # recompute its builds: after a change of what is stored of a build
python -m tests.support.pinned --shipped  # take models, evidence and builds from catalog/data again
"""

from __future__ import annotations

import gzip
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).resolve().parents[2]
PINNED = ROOT / "tests" / "advisor" / "api" / "contract" / "catalog.json.gz"
SHARED = ("licences.json", "benchmarks.json", "checkpoints.json", "published_files.json")
# Dense models and mixtures of experts, sliding windows, hybrids and latent attention, 0.6 to 1000 billion parameters;
# some old, some excluded by their licence, some with vision, some for embeddings.
SLUGS = {
    *("gemma-3-4b-it", "gemma-4-26b-a4b-it", "gemma-4-31b-it", "glm-5.2", "gpt-oss-20b", "gpt-oss-120b", "kimi-k2.6"),
    *("granite-4.0-h-small", "llama-3.1-8b-instruct", "llama-3.3-70b-instruct", "minimax-m2.7", "phi-4", "qwen3-32b"),
    *("mistral-small-24b-instruct-2501", "mistral-small-3.1-24b-instruct-2503", "mistral-small-3.2-24b-instruct-2506"),
    *("nvidia-nemotron-3-nano-30b-a3b-bf16", "qwen3-coder-next", "qwen3-embedding-0.6b", "qwen3-embedding-4b"),
    *("qwen3.5-4b", "qwen3.5-9b", "qwen3.5-122b-a10b", "qwen3.6-27b", "qwen3.6-35b-a3b", "c4ai-command-r-08-2024"),
}


def unpack(folder: Path, packed: Path = PINNED) -> Path:
    """Writes the files of the pinned catalog to the folder and returns it."""
    for name, content in orjson.loads(gzip.decompress(packed.read_bytes())).items():
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(content)
    return folder


def pack(folder: Path, packed: Path = PINNED) -> None:
    """Deterministic: equal folders give equal bytes."""
    paths = sorted(path for path in folder.rglob("*.json") if path.is_file())
    files = {str(path.relative_to(folder)): path.read_text() for path in paths}
    packed.write_bytes(gzip.compress(orjson.dumps(files), 9, mtime=0))


def shipped(folder: Path) -> None:
    """Copies the pinned models from catalog/data as they are today."""
    from catalog.seed import DATA

    (folder / "models").mkdir()
    for name in (*SHARED, *(f"models/{slug}.json" for slug in sorted(SLUGS))):
        (folder / name).write_bytes((DATA / name).read_bytes())
    only = {orjson.loads(path.read_bytes())["hub_id"] for path in (folder / "models").iterdir()}
    keep(folder / "checkpoints.json", lambda row: row["repo"] in only)
    keep(folder / "published_files.json", lambda row: row["build"].partition(":")[0] in SLUGS)


def keep(path: Path, wanted: Callable[[dict[str, Any]], bool]) -> None:
    path.write_bytes(orjson.dumps([row for row in orjson.loads(path.read_bytes()) if wanted(row)]))


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.core.management import call_command

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "--shipped" in sys.argv[1:]:
            shipped(folder)
        else:
            unpack(folder)
        call_command("compute_builds", data=folder)
        pack(folder)


if __name__ == "__main__":
    main()
