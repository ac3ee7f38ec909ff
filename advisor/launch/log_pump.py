"""`python log_pump.py LOG CAP`: copies stdin to LOG, rotating so that LOG and LOG.1 stay below CAP bytes together.

A process of its own, so that an engine that outlives the worker keeps a reader, and one that logs without end does not
fill the disk. Exits when the last writer does. Standard library only: it is started without site-packages.
"""

from __future__ import annotations

import os
import signal
import sys

CHUNK = 1 << 16


def main(log: str, cap: int) -> None:
    # The engine's last lines matter most while its group is being stopped; the pump exits at end of input.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    size = os.fstat(out).st_size
    while chunk := os.read(0, CHUNK):
        try:
            if size + len(chunk) > cap // 2:
                os.close(out)
                os.replace(log, log + ".1")
                out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                size = 0
            size += os.write(out, chunk)
        except OSError:
            # A full disk costs log lines; if the pump stopped reading, the engine would block on its next write.
            continue


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
