"""Run as a child: many threads reserve room for few. Prints what was granted and what the rows say."""

from __future__ import annotations

import json
import sys
import threading
import uuid

import django

GIB = 1024**3


def main(threads: int, room_for: int, rounds: int) -> list[dict[str, int]]:
    from django.core.management import call_command
    from django.db import connection

    from hardware import ledger
    from hardware.models import Accelerator, Host

    call_command("migrate", "hardware", verbosity=0, skip_checks=True)
    host = Host.objects.create(id="race", name="race", queue="race")
    found = []
    for number in range(rounds):
        names = [f"{number}-a", f"{number}-b"]
        for name in names:
            Accelerator.objects.create(host=host, uuid=name, name=name, capacity_bytes=room_for * GIB)
        answers: list[str] = []
        start = threading.Barrier(threads)

        def ask(wanted: dict[str, int], start: threading.Barrier = start, answers: list[str] = answers) -> None:
            start.wait()
            try:
                ledger.reserve(uuid.uuid4(), "race", wanted)
                answers.append("granted")
            except ledger.NoRoom:
                answers.append("refused")
            except Exception as error:
                answers.append(f"{type(error).__name__}: {error}")
            finally:
                connection.close()

        # Half ask in one order, half in the other: the ledger must sort, or PostgreSQL sees deadlocks.
        orders = [dict.fromkeys(names, GIB), dict.fromkeys(reversed(names), GIB)]
        pool = [threading.Thread(target=ask, args=(orders[i % 2],)) for i in range(threads)]
        for thread in pool:
            thread.start()
        for thread in pool:
            thread.join()
        rows = Accelerator.objects.filter(uuid__in=names)
        found.append(
            {answer: answers.count(answer) for answer in set(answers)}
            | {f"reserved_{i}": row.reserved_bytes // GIB for i, row in enumerate(rows)}
            | {f"held_{i}": sum(r.bytes for r in row.reservations.all()) // GIB for i, row in enumerate(rows)}
        )
    return found


if __name__ == "__main__":
    django.setup()
    print(json.dumps(main(*(int(value) for value in sys.argv[1:]))))
