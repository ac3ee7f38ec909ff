from __future__ import annotations

import shutil
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from hardware import services


class Command(BaseCommand):
    help = "Bring the database to this version: migrations and the seed catalog. Changes nothing the second time."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--snapshot", action="store_true", help="also read this machine's hardware once")

    def handle(self, *args: Any, **options: Any) -> None:
        # Counts of web processes that are gone: the next ones begin at zero.
        shutil.rmtree(settings.METRICS_FOLDER, ignore_errors=True)
        call_command("migrate", interactive=False, verbosity=0)
        call_command("load_catalog", verbosity=0)
        if options["snapshot"]:
            services.refresh()
