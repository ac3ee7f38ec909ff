from __future__ import annotations

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
settings.METRICS_FOLDER.mkdir(parents=True, exist_ok=True, mode=0o700)
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.METRICS_FOLDER)
application = get_wsgi_application()
# Now rather than at the first request: a broken view stops the start, and the first visitor does not wait.
_ = get_resolver().url_patterns
