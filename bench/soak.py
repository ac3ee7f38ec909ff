"""One web process under steady questions: resident memory and latency, minute by minute. Asserts nothing.

    python bench/soak.py [--minutes 0.5] [--rate 20]

Every question is a new one, and each tenth request is the first page. `make bench` runs half a minute; ten minutes show
whether memory stays where it is.
"""

from __future__ import annotations

import argparse
import random
import time
from urllib.parse import urlencode

from answer_time import HARDWARE, USE_CASES
from serving import MIB, Server, berth, percentile, seeded


def soak(server: Server, minutes: float, rate: float) -> None:
    dice = random.Random(3)  # noqa: S311  the same questions every time
    client, start = server.client(), time.monotonic()
    took: list[float] = []
    sent, minute = 0, 1
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
            took, minute = [], minute + 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second")
    options = parser.parse_args()
    with seeded(), berth() as server:
        soak(server, options.minutes, options.rate)


if __name__ == "__main__":
    main()
