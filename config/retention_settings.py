"""How long what is written along the way is kept, and how much of it. Both hold: whichever is less."""

from __future__ import annotations

from config.environment import number

# Answered questions, which a launch may refer to by their decision: some 650 bytes each in the database.
DECISIONS_DAYS = number("DECISIONS_DAYS", 30, 1, 3650)
DECISIONS_MOST = number("DECISIONS_MOST", 50_000, 100, 10_000_000)
# Launches that are over, each with its history and a log of up to 16 MiB.
LAUNCHES_DAYS = number("LAUNCHES_DAYS", 90, 1, 3650)
LAUNCHES_MOST = number("LAUNCHES_MOST", 1_000, 10, 1_000_000)
