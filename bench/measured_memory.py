"""Compares memory predictions with published readings of real devices (`tests/accuracy/need.py`), a table per group.

python bench/measured_memory.py [--rows]
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.accuracy import need


def main() -> None:
    print(f"{'':32}{'rows':>6}{'median':>9}{'worst':>8}{'too low':>9}   MiB a device beyond the buffers")
    for name, group in need.groups().items():
        errors = [need.error(row) for row in group]
        line = f"{name:32}{len(group):>6}{need.median_error(group):>7.2f} %{max(map(abs, errors)):>6.1f} %"
        line += f"{100 * sum(error < 0 for error in errors) / len(errors):>7.0f} %"
        if "total_mib" in group[0]:
            seen = need.beyond(group)
            line += f"   {seen[0]:.0f} to {seen[-1]:.0f}, median {median(seen):.0f}"
        print(line)
    left = sum(map(need.missed_some, need.rows()))
    print(f"left out: {left} readings below the size of the file on the device")
    if "--rows" in sys.argv:
        for row in need.rows():
            buffers, overhead = need.predicted(row)
            figures = f"{need.measured(row):>9,.0f}{buffers:>9,.0f}{overhead:>7,.0f}{need.error(row):>7.2f} %"
            print(f"{row['model'][:28]:30}{row['quantization']:8}{row['device'][:28]:30}{figures}  {row['source']}")


if __name__ == "__main__":
    main()
