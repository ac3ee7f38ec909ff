"""Latency of an answer, in process and through HTTP.

Uses distinct questions, so that no stored answer is returned: right after the start, and after many others, when most
graphs have been traced. Then one question repeatedly, as a fleet of identical machines asks it.

    python bench/answer_time.py [--questions 120] [--others 1000]

Runs on the seed catalog in a temporary folder. Prints percentiles in milliseconds; asserts nothing.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable

from serving import MIB, berth, seeded

HARDWARE = (
    "RTX 4090, 64 GB RAM",
    "2x RTX 3090, 64 GB RAM",
    "RTX 4060 laptop 8 GB, 16 GB RAM",
    "2x H100 SXM, 256 GB RAM",
    "8x H200, 1024 GB RAM",
    "RTX 3090 + RTX 3060 12GB, 64 GB RAM",
    "M3 Max 64 GB",
    "DGX Spark",
    "CPU only, 32 GB RAM, 8 cores",
)
USE_CASES = ("general", "chat", "coding", "math", "reasoning", "tool_use", "vision", "multilingual", "long_context")


def questions(count: int) -> list[dict]:  # type: ignore[type-arg]
    dice = random.Random(1)  # noqa: S311  fixed seed: the same questions every time
    return [
        {
            "hardware": {"text": dice.choice(HARDWARE)},
            "workload": {"use_case": dice.choice(USE_CASES), "context": dice.randrange(2048, 100_000, 256)},
        }
        for _ in range(count)
    ]


def timed(ask: Callable[[dict], object], asked: list[dict], clock: Callable[[], float]) -> list[float]:  # type: ignore[type-arg]
    spent = []
    for question in asked:
        start = clock()
        ask(question)
        spent.append(1e3 * (clock() - start))
    return sorted(spent)


def show(name: str, spent: list[float]) -> None:
    p50, p95 = (spent[min(len(spent) - 1, int(share * len(spent)))] for share in (0.5, 0.95))
    print(f"{name:<44} p50 {p50:6.1f} ms   p95 {p95:6.1f} ms   worst {spent[-1]:6.1f} ms   n {len(spent)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=120)
    parser.add_argument("--others", type=int, default=1000)
    options = parser.parse_args()
    asked = questions(5 + 2 * options.questions + options.others)

    with seeded():
        report(options, asked)


def report(options: argparse.Namespace, asked: list[dict]) -> None:  # type: ignore[type-arg]
    from advisor.answers.recommend import recommend
    from advisor.question.parse import parse
    from advisor.selectors.catalog import catalog_index

    print(f"{len(catalog_index().catalog.models)} models, {len(catalog_index().rows().model)} builds")
    warm, first, new = asked[:5], asked[5 : 5 + options.questions], asked[-options.questions :]
    others = asked[5 + options.questions : -options.questions]

    def measure(name: str, ask: Callable[[dict], object], clock: Callable[[], float]) -> None:  # type: ignore[type-arg]
        timed(ask, warm, clock)
        show(f"{name}, right after the start", timed(ask, first, clock))
        timed(ask, others, clock)
        show(f"{name}, after {len(others)} other questions", timed(ask, new, clock))

    measure("compute", lambda body: recommend(parse(body)), time.perf_counter)
    with berth() as server:
        client = server.client()
        measure("HTTP", client.ask, time.perf_counter)
        show("HTTP, one question again", timed(client.ask, asked[:1] * len(new), time.perf_counter))
        print(f"resident {max(server.rss()) / MIB:.0f} MiB")


if __name__ == "__main__":
    main()
