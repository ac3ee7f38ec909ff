"""Every layout that is derived from a configuration, written as a header-only file and opened by the installed engine.

    python bench/layouts.py

Prints, per architecture: models, tensors of its first one, how many the engine refused, in how many the sums of
weights and cache are not the engine's to the byte, and how far the compute buffer is off at worst (F16, 4,096 tokens,
CPU). Then what the engine said of those that it refused. A refusal, or a byte of weights or cache, makes the exit 1.

The engine's complaint covers what it must have: names, shapes, and tensors that it knows no use for. A tensor that it
takes or leaves (a bias, a norm) is not missed; the count of parameters that a vendor publishes guards those
(`fit/architectures/agreement.py`).
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
    """Percent by which the compute buffer of the sums is above the engine's."""
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
