"""One web process under steady load: resident memory and latency per minute. Asserts nothing.

    python bench/steady.py [--minutes 0.5] [--rate 20] [--write]

Every question is new, and every tenth request is the start page. `make bench` runs half a minute; ten minutes show
whether memory stays level. --write makes docs/steady.svg and its table docs/steady.md.
"""

from __future__ import annotations

import argparse
import random
import time
from urllib.parse import urlencode

from answer_time import HARDWARE, USE_CASES
from growth import ROOT, chart
from serving import MIB, Server, berth, percentile, seeded

Minute = tuple[int, int, float, float, float]  # number, requests, median and 95th percentile in ms, resident MiB


def load(server: Server, minutes: float, rate: float) -> list[Minute]:
    dice = random.Random(3)  # noqa: S311  fixed seed: the same questions every time
    client, start = server.client(), time.monotonic()
    took: list[float] = []
    sent, minute = 0, 1
    found: list[Minute] = []
    print("minute  requests   p50 ms   p95 ms   resident MiB")
    while (passed := time.monotonic() - start) < 60 * minutes:
        time.sleep(max(0.0, sent / rate - passed))
        text, use_case, context = dice.choice(HARDWARE), dice.choice(USE_CASES), dice.randrange(2048, 100_000, 256)
        began = time.perf_counter()
        if sent % 10 == 9:
            client.send("GET", "/?" + urlencode({"hw": text, "use_case": use_case, "context": context}))
        else:
            client.ask({"hardware": {"text": text}, "workload": {"use_case": use_case, "context": context}})
        took.append(1e3 * (time.perf_counter() - began))
        sent += 1
        if time.monotonic() - start >= 60 * min(minute, minutes):
            resident = max(server.rss()) / MIB
            middle, high = percentile(took, 0.5), percentile(took, 0.95)
            print(f"{minute:6d} {len(took):9d} {middle:8.1f} {high:8.1f} {resident:14.1f}", flush=True)
            found.append((minute, len(took), middle, high, resident))
            took, minute = [], minute + 1
    return found


def write(found: list[Minute], rate: float) -> None:
    said = [
        "# One web process under steady questions",
        "",
        f"{rate:.0f} requests a second for {len(found)} minutes, each question a new one, each tenth request the first",
        "page. Written by `python bench/steady.py --minutes 10 --write`.",
        "",
        "![Milliseconds and resident memory by minute](steady.svg)",
        "",
        "| minute | requests | median ms | 95th percentile ms | resident MiB |",
        "|---:|---:|---:|---:|---:|",
    ]
    said += [f"| {m} | {count:,} | {middle:.1f} | {high:.1f} | {mib:.1f} |" for m, count, middle, high, mib in found]
    (ROOT / "docs/steady.md").write_text("\n".join(said) + "\n")
    panels = {
        "Milliseconds by minute": [(m, middle, high) for m, _, middle, high, _ in found],
        "Resident MiB by minute": [(m, mib, mib) for m, _, _, _, mib in found],
    }
    drawn = chart(panels, "Milliseconds and resident memory by minute", "Through HTTP")
    (ROOT / "docs/steady.svg").write_text(drawn)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with seeded(), berth() as server:
        found = load(server, options.minutes, options.rate)
    if options.write:
        write(found, options.rate)


if __name__ == "__main__":
    main()
