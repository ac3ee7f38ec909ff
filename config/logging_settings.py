"""What is logged, how a line looks and where it goes."""

from __future__ import annotations

import os

from config.environment import fail, flag

LOG_LEVEL = os.environ.get("LOG_LEVEL", "INFO").upper()
if LOG_LEVEL not in ("DEBUG", "INFO", "WARNING", "ERROR"):
    fail(f"LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR, not {LOG_LEVEL!r}.")
LOG_FORMAT = os.environ.get("LOG_FORMAT", "line")
if LOG_FORMAT not in ("line", "json"):
    fail(f"LOG_FORMAT must be line or json, not {LOG_FORMAT!r}.")
# One line for every request, beside those that Django writes of failed ones.
ACCESS_LOG = flag("ACCESS_LOG", False)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"ids": {"()": "rest.logs.Ids"}},
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s:%(ids)s %(message)s"},
        "json": {"()": "rest.logs.JsonLines"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["ids"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        # One line for every beat and every task each two seconds would bury what matters.
        "celery": {"level": "DEBUG" if LOG_LEVEL == "DEBUG" else "WARNING"},
        "httpx2": {"level": "WARNING"},  # addresses of stores carry signatures
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
    },
}
