"""Writes every layout computed from a configuration as a header-only GGUF file and opens it with the installed engine.

    python bench/layouts.py

Prints, per architecture: models, tensors of its first one, how many the engine refused, how many whose weights or cache
differ from the engine's by any byte, and the largest error of the compute buffer (F16, 4,096 tokens, CPU). Then the
engine's message for each refusal. A refusal, or one byte of difference in weights or cache, makes the exit status 1.

The engine checks what it requires: names, shapes, and tensors it has no use for. It does not miss an optional tensor (a
bias, a norm); the parameter count that a vendor publishes guards those (`fit/architectures/parameter_check.py`).
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from advisor.engines.llama_cpp import wheel_library
from tests.support import derived
from tests.support.derived import Opened


def off(found: Opened) -> float:
    """Percent by which the computed compute buffer exceeds the engine's."""
    mine, theirs = found.errors.get("compute", (1, 1))
    return 100 * (mine / theirs - 1)


def wrong(found: Opened) -> bool:
    return bool(found.refused or found.errors.keys() & {"weights", "kv"})


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        results = derived.compared(derived.headers(), Path(folder))
    groups: dict[str, list[Opened]] = defaultdict(list)
    for found in results:
        groups[found.arch].append(found)
    print(f"{len(results)} layouts of {len(groups)} architectures, opened by {wheel_library.build()}")
    print(f"{'architecture':20}{'models':>8}{'tensors':>9}{'refused':>9}{'weights':>9}{'kv':>5}{'compute':>10}")
    for arch, group in sorted(groups.items()):
        differ = [sum(part in found.errors for found in group) for part in ("weights", "kv")]
        worst = max((off(found) for found in group), key=abs)
        refused = sum(bool(found.refused) for found in group)
        print(
            f"{arch:20}{len(group):8}{group[0].tensors:9}{refused:9}{differ[0]:9}{differ[1]:5}{worst:+9.2f} %".rstrip()
        )
    failed = [found for found in results if wrong(found)]
    for found in failed:
        print(f"{found.slug}: {found.refused or found.errors}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
