"""The broker, the limits of tasks and the clock. config/celery.py reads every setting that begins with CELERY_."""

from __future__ import annotations

from config.environment import address, fail, number, secret
from config.server_settings import BERTH_DATA, HOST_QUEUE


def started_broker() -> str:
    try:
        return BROKER_FILE.read_text().strip()
    except OSError:
        return ""


REDIS_URL = secret("REDIS_URL")
# Where `make run` says which broker it started, so that a command beside it reaches the same one.
BROKER_FILE = BERTH_DATA / "broker.url"
if REDIS_URL and address("REDIS_URL", REDIS_URL).scheme not in ("redis", "rediss", "unix"):
    fail("REDIS_URL must start with redis://, rediss:// or unix://, or be empty for the embedded broker.")
CELERY_BROKER_URL = REDIS_URL or started_broker() or "redis://127.0.0.1:6379/0"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    # kombu's own defaults look for the messages of a dead worker only every 100 s.
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
}
# A message is only a nudge: the row is the queue, so a broker that is down must not hold up a request.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_DEFAULT_QUEUE = HOST_QUEUE
CELERY_TASK_SOFT_TIME_LIMIT = 25
CELERY_TASK_TIME_LIMIT = 30
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# One pool child: tasks are short and bounded, and a host has one reconciler at a time.
CELERY_WORKER_CONCURRENCY = number("WORKER_CONCURRENCY", 1, 1, 64)
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# In memory: periods of seconds are not worth a file that a crash can leave half written.
CELERY_BEAT_SCHEDULER = "config.beat:SteadyScheduler"
CELERY_BEAT_SCHEDULE = {
    task: {"task": task, "schedule": seconds, "options": {"queue": HOST_QUEUE, "expires": seconds}}
    for task, seconds in {
        "hardware.tasks.snapshot": 30.0,
        "advisor.tasks.reconcile": 2.0,
        "advisor.tasks.index_files": 15.0,
        "advisor.tasks.prune": 600.0,
    }.items()
}
