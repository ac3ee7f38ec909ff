from __future__ import annotations

import fcntl
import importlib
import os
import sys

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if settings.METRICS and settings.WEB_WORKERS > 1:
    settings.METRICS_FOLDER.mkdir(parents=True, exist_ok=True, mode=0o700)
    if settings.METRICS_FOLDER.stat().st_uid != os.getuid():  # anybody may have put a folder there before us
        sys.exit(f"Berth: {settings.METRICS_FOLDER} belongs to somebody else; remove it, or set WEB_WORKERS=1.")
    # Held until this process ends: as long as it is, `prepare` of the next version leaves the counts of running servers
    # alone.
    fcntl.flock(os.open(settings.METRICS_FOLDER / "lock", os.O_WRONLY | os.O_CREAT, 0o600), fcntl.LOCK_SH)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.METRICS_FOLDER)


def import_without(name: str, *optional: str) -> None:
    """Import `name` as if `optional` packages were not installed; later imports of them work as usual."""
    hidden = {package: None for package in optional if package not in sys.modules}
    sys.modules.update(hidden)  # type: ignore[arg-type]  None is the documented way to make an import fail
    importlib.import_module(name)
    for package in hidden:
        del sys.modules[package]


# Django REST framework loads them for array fields, a test client and a browsable API, none of which is used: 16 MB.
django.setup(set_prefix=False)
import_without("rest_framework.compat", "psycopg", "pygments", "requests")
application = get_wsgi_application()
# Load the URLconf now and not at the first request: a broken view stops the start, and the first visitor does not wait.
_ = get_resolver().url_patterns
