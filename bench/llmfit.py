"""Compares answer time with llmfit on this machine: both servers get the same question in turn.

    python bench/llmfit.py [--rounds 30] [--models 16000] [--llmfit PATH]

Installs llmfit with pip in a temporary folder, unless --llmfit names its program; if that fails, it says so and
measures Berth alone. Asserts nothing.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from answer_time import questions
from serving import MIB, PADDED, QUESTION, Client, Server, answered, berth, free_port, percentile, seeded

THEIRS = "/api/v1/models/top?use_case=coding&limit=10&max_context=32768"
CARD = ["--memory", "24G", "--ram", "64G"]  # the memory of a 4090: llmfit takes no card name
SECONDS = 10


def installed(folder: Path) -> Path | None:
    """Path of llmfit in a virtual environment of its own; None, with the reason printed, when pip fails."""
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "llmfit"]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        print(f"llmfit cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
        return None
    return folder / "bin/llmfit"


@contextmanager
def llmfit(program: Path) -> Iterator[Client]:
    port = free_port()
    command = [str(program), *CARD, "serve", "--port", str(port), "--no-dashboard"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        for _ in range(100):
            time.sleep(0.1)
            with suppress(OSError):
                Client(port).send("GET", "/health")
                break
        print(f"{'llmfit, resident':<58} {resident(child.pid):7.0f} MiB")
        yield Client(port)
    finally:
        child.terminate()
        child.wait(10)


def resident(pid: int) -> float:
    import psutil

    return float(psutil.Process(pid).memory_info().rss / MIB)


def varied(round_number: int) -> dict[str, Any]:
    """The same question with slightly more memory, so that no stored answer matches."""
    return QUESTION | {"hardware": {"text": "RTX 4090", "ram_bytes": (64 << 30) + (round_number << 20)}}


def show(name: str, took: list[float]) -> float:
    middle = statistics.median(took)
    print(f"{name:<58} p50 {middle:7.1f} ms   p95 {percentile(took, 0.95):7.1f} ms   n {len(took)}")
    return middle


def beside(program: Path | None, server: Server, rounds: int, models: int) -> None:
    """Asks in turn: llmfit, Berth with the same question again, Berth with a machine not seen before."""
    client = server.client()
    theirs: list[float] = []
    again, new = [], []
    for i in range(3):
        client.ask(varied(-1 - i))

    def ours(i: int) -> None:
        again.append(client.timed(QUESTION))
        new.append(client.timed(varied(i)))

    if program is None:
        for i in range(rounds):
            ours(i)
    else:
        with llmfit(program) as link:
            link.send("GET", THEIRS)
            for i in range(rounds):
                start = time.perf_counter()
                link.send("GET", THEIRS)
                theirs.append(1e3 * (time.perf_counter() - start))
                ours(i)
    name = f"Berth, {models:,} models x 6 builds"
    figures = {
        "the same question": show(f"{name}, the same question again", again),
        "new machines": show(f"{name}, a new machine each time", new),
    }
    if theirs:
        other = show("llmfit, its own catalog, the same question again", theirs)
        for kind, figure in figures.items():
            print(f"llmfit's median over Berth's ({kind}): {other / figure:.1f}")


def own(server: Server) -> None:
    """Answer time with the catalog that comes with Berth."""
    client = server.client()
    asked = questions(305)
    for question in asked[:5]:
        client.ask(question)
    show("Berth, its own catalog, questions that vary", [client.timed(question) for question in asked[5:]])
    show("Berth, its own catalog, the same question again", [client.timed(QUESTION) for _ in range(300)])


def throughput(server: Server) -> None:
    for name, asked in (("the same question", [QUESTION]), ("nine machines x eight contexts", common())):
        answered(server, asked, 3, 4)
        rate, took = answered(server, asked, SECONDS, 4)
        print(f"Berth, 2 workers, 4 clients, {name:<30} {rate:5.0f} requests/s   p95 {percentile(took, 0.95):5.1f} ms")
    print(f"{'Berth, resident, each web process':<58} {', '.join(f'{size / MIB:.0f}' for size in server.rss())} MiB")


def common() -> list[dict[str, Any]]:
    """A fleet's questions: the machines of `answer_time.py` at the contexts that the page offers."""
    machines = {q["hardware"]["text"] for q in questions(300)}
    return [
        {"hardware": {"text": text}, "workload": {"use_case": "coding", "context": 1 << n}}
        for text in sorted(machines)
        for n in range(11, 19)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--models", type=int, default=16000)
    parser.add_argument("--llmfit", type=Path)
    options = parser.parse_args()
    with seeded() as folder:
        program = options.llmfit or installed(folder / "llmfit")
        with berth(PADDED, BENCH_MODELS=str(options.models)) as server:
            beside(program, server, options.rounds, options.models)
        with berth() as server:
            own(server)
            print(f"{'Berth, resident, the web process':<58} {', '.join(f'{s / MIB:.0f}' for s in server.rss())} MiB")
        with berth(workers=2) as server:
            throughput(server)


if __name__ == "__main__":
    main()
