"""Fuzzes the GGUF reader and the memory sums: every mutated header must be predicted, or refused in one sentence.

    python bench/fuzz_gguf.py [COUNT] [FIRST]

Takes headers FIRST to FIRST + COUNT - 1 of `tests/support/mutations.py` (default: 20,000 from 0), reads each from a
file and sizes it with one of five settings in turn; a million take some 20 minutes of one core. Prints headers per
second, outcomes, the slowest header, and the memory growth of the process. A header that raises anything else is
printed, and the exit status is 1.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from advisor.estimates import gguf_file
from advisor.fit.engines.llama_cpp.settings_text import read_settings
from catalog.gguf import GgufError
from tests.support import mutations

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a file that is rewritten a million times should not hit the disk
REQUESTS = [
    read_settings(row)
    for row in (
        {"ctx": 8192},
        {"ctx": 1 << 28, "par": 256, "ndev": 1, "ngl": -1},
        {"ctx": 32768, "ndev": 2, "ngl": -1, "ctk": "q8_0", "ctv": "q8_0"},
        {"ctx": 4096, "ndev": 1, "ngl": 2, "fa": 0, "out": "lib"},
        {"ctx": 4096, "ndev": 1, "ngl": -1, "ot": "exps=CPU", "kvo": 0},
    )
]


def outcome(path: Path, number: int) -> str:
    """Outcome of one header; raises anything that is neither a prediction nor a one-sentence refusal."""
    wanted = REQUESTS[number % len(REQUESTS)]
    try:
        gguf_file.bounded(gguf_file.read_sizes(str(path), wanted.moved), wanted)
    except ValueError as error:
        sentence = str(error)
        if not sentence.endswith(".") or "\n" in sentence:
            raise AssertionError(f"no sentence: {sentence}") from error
        return "refused by the reader" if isinstance(error, GgufError) else "refused by the sums"
    return "predicted"


def run(count: int, first: int, folder: Path) -> int:
    path = folder / "mutated.gguf"
    outcomes: Counter[str] = Counter()
    slowest, spent, broken = (0.0, first), 0.0, 0
    mutations.mutated(first, folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(first, first + count):
        mutations.write(path, mutations.mutated(number, folder))
        started = time.process_time()
        try:
            outcomes[outcome(path, number)] += 1
        except Exception:  # any exception is a finding
            broken += 1
            print(f"header {number}:\n{traceback.format_exc()}")
        taken = time.process_time() - started
        spent += taken
        slowest = max(slowest, (taken, number))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        f"{count:,} mutated headers, {count / spent:,.0f} a second of CPU in reader and sums, {broken} broke something"
    )
    for name, times in outcomes.most_common():
        print(f"  {name:22}{times:>10,}  {100 * times / count:5.1f} %")
    print(f"slowest {1000 * slowest[0]:.1f} ms of CPU (header {slowest[1]}), memory grew by {grown / 1024:.1f} MiB")
    return broken


if __name__ == "__main__":
    numbers = [int(text.replace(",", "")) for text in sys.argv[1:3]]
    count, first = (*numbers, *(20_000, 0)[len(numbers) :])
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as name:
        sys.exit(run(count, first, Path(name)) > 0)
