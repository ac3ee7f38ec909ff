from __future__ import annotations

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Run everything on this machine: broker, database, worker, web server. Ctrl-C ends it all."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        # exec instead of a call: the supervisor needs no Django in memory.
        os.chdir(settings.BASE_DIR)
        os.execv(sys.executable, [sys.executable, "-m", "config.supervisor"])  # noqa: S606 our own interpreter
