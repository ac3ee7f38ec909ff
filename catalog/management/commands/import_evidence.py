from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog import importer, leaderboard, seed
from catalog.management.reports import few, lines


class Command(BaseCommand):
    help = "Show what a leaderboard's CSV, JSON or YAML file adds to the evidence; --apply writes it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--board", required=True, help="a name in the table of leaderboards")
        parser.add_argument("--date", type=date.fromisoformat, help="of the figures, where the file states none")
        parser.add_argument("--source", help="where this file is from; default: as in the table")
        parser.add_argument("--table", type=Path, default=leaderboard.TABLE, help="another table of leaderboards")
        parser.add_argument("--apply", action="store_true", help="write; without it the difference is only shown")
        parser.add_argument("--overwrite", action="store_true", help="also where a row was edited here")

    def handle(self, *, file: Path, board: str, apply: bool, overwrite: bool, **options: Any) -> None:
        try:
            boards = leaderboard.boards(options["table"])
            if board not in boards:
                raise CommandError(f"The table knows {', '.join(boards)}, and no {board!r}.")
            source = options["source"] or boards[board]["source"]
            found = leaderboard.evidence(boards[board], leaderboard.rows(file), source=source, on=options["date"])
        except (leaderboard.LeaderboardError, seed.SeedError) as error:
            raise CommandError(str(error)) from error
        report = importer.merge(found.rows, reason=f"evidence: {source}", overwrite=overwrite, write=apply)
        for line in lines(report, written=apply):
            self.stdout.write(line)
        if found.unknown:
            self.stdout.write(f"{len(found.unknown)} names are not in the table, so their figures are left out:")
            for name in few(found.unknown):
                self.stdout.write(f"  {name}")
        for sentence in few(found.refused):
            self.stdout.write(f"Left out: {sentence}")
