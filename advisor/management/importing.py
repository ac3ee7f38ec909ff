"""Shared by the import commands: preview first, write on --apply, one sentence on failure."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable

from django.core.management.base import BaseCommand, CommandError

from advisor.intake import print_proposal, proposal
from advisor.intake.check import ImportRefused
from advisor.intake.proposal import Proposal
from catalog.gguf import GgufError
from catalog.hub_http import HubError


class ImportCommand(BaseCommand):
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--apply", action="store_true", help="write; without it the difference is only shown")
        parser.add_argument("--overwrite", action="store_true", help="also where a row was edited here")

    def run(self, propose: Callable[[], Proposal], *, apply: bool, overwrite: bool) -> None:
        try:
            proposed = propose()
            found = proposal.differences(proposed, overwrite=overwrite)
            for line in print_proposal.proposal_lines(proposed, found):
                self.stdout.write(line)
            if not apply:
                self.stdout.write("Nothing was written. --apply writes this." if found else "Nothing to change.")
                return
            self.stdout.write(f"{proposal.apply(proposed, overwrite=overwrite)} rows written.")
        except (ImportRefused, GgufError, HubError) as error:
            raise CommandError(str(error)) from error
