"""Environment -> settings. A bad value stops the start with one plain sentence.

What belongs together has a module of its own beside this one; Django is told of this one only.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from config.access_settings import *
from config.api_settings import *
from config.celery_settings import *
from config.database_settings import *
from config.environment import fail, number
from config.file_settings import *
from config.hub_settings import *
from config.logging_settings import *
from config.retention_settings import *
from config.server_settings import *
from config.server_settings import BASE_DIR, BERTH_DATA

INSTALLED_APPS = [
    # The simple config finds the admin modules only where the URLs are read: the worker never loads them.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "simple_history",
    "import_export",
    "catalog",
    "hardware",
    "advisor",
]
MIDDLEWARE = [
    "rest.logs.name_requests",
    "advisor.monitoring.metrics.measure",
    "config.middleware.refused_by_the_server",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "config.middleware.content_security_policy",
    "config.middleware.no_null_in_addresses",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.middleware.AppendSlash",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.DatabaseAway",
    "config.middleware.LimitPages",
    "config.middleware.SignInWhereNotAnonymous",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["config.templates.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Straight out of the packages and static/, listed once at the start: no collectstatic, no second copy.
WHITENOISE_USE_FINDERS = True

# Where several web processes keep their counts together, in files that they map into memory: a write to such a file on
# a full disk is no error but a signal that ends the process, so they are kept off the disk where that is possible.
METRICS_FOLDER = Path("/dev/shm") / f"berth-{hashlib.sha256(os.fsencode(BERTH_DATA)).hexdigest()[:16]}"  # noqa: S108
if not os.access(METRICS_FOLDER.parent, os.W_OK):
    METRICS_FOLDER = BERTH_DATA / "metrics"

# A reading of the hardware that is older is shown as stale and not launched on; one is taken every 30 s.
SNAPSHOT_STALE_SECONDS = number("SNAPSHOT_STALE_SECONDS", 120, 10, 86400)
# The llama-server to run; empty: the one on PATH, else the engine of the xllamacpp wheel.
LLAMA_SERVER = os.environ.get("BERTH_LLAMA_SERVER", "")
if LLAMA_SERVER and not os.access(LLAMA_SERVER, os.X_OK):
    fail(f"BERTH_LLAMA_SERVER must be the path of a program, not {LLAMA_SERVER!r}.")
