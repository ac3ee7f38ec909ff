"""Environment -> settings. A bad value stops the start with one plain sentence."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

from config.environment import fail, flag, number, secret

BASE_DIR = Path(__file__).resolve().parent.parent


def rates(text: str, default: dict[str, int]) -> dict[str, int]:
    """`read=600,launch=30`: requests a minute by scope; what is left out keeps its default, 0 is no limit."""
    given = {}
    for part in filter(None, text.split(",")):
        scope, _, value = part.strip().partition("=")
        if scope not in RATES or not value.isdigit() or len(value) > 6:
            fail(f"RATE_LIMITS must be such as read=600,launch=30 with {', '.join(RATES)}, not {part.strip()!r}.")
        given[scope] = int(value)
    return default | given


def secret_key() -> str:
    """SECRET_KEY, or the file named by SECRET_KEY_FILE, or one made once under the data folder."""
    if os.environ.get("SECRET_KEY"):
        return os.environ["SECRET_KEY"]
    path = Path(os.environ.get("SECRET_KEY_FILE") or BERTH_DATA / "secret_key")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    except OSError as error:
        fail(f"SECRET_KEY is not set and {path} cannot be written ({error.strerror}).")
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(50))
    return path.read_text().strip()


def database(url: str) -> dict[str, object]:
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": BERTH_DATA / "berth.sqlite3",
            # A file in tests too: an in-memory database would hide every locking mistake.
            "TEST": {"NAME": BERTH_DATA / "test.sqlite3"},
            "CONN_MAX_AGE": 60,  # to open the file and set it up takes longer than what is asked of it
            # IMMEDIATE: a write waits for its turn at BEGIN instead of failing half way with "database is locked".
            # A page cache of 256 kB instead of 2 MB for each thread: what it misses, the system's own cache has.
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-256;",
            },
        }
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        fail("DATABASE_URL must start with postgresql://, or be empty for the embedded SQLite.")
    query = dict(p.split("=", 1) for p in parts.query.split("&") if "=" in p)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(query.get("host", parts.hostname or "")),
        "PORT": parts.port or "",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def started_broker() -> str:
    try:
        return BROKER_FILE.read_text().strip()
    except OSError:
        return ""


SCOPES = ("read", "recommend", "agent", "launch", "catalog")
RATES = (*SCOPES, "sign-in")
BERTH_DATA = Path(os.environ.get("BERTH_DATA") or BASE_DIR / "var").resolve()
PORT = number("PORT", 8000, 1, 65535)
# Loopback unless said otherwise: whoever reaches the page with a launch right starts programs on this machine.
BIND = os.environ.get("BERTH_BIND") or "127.0.0.1"
LOOPBACK = BIND in ("127.0.0.1", "::1", "localhost")
HTTPS = flag("BERTH_HTTPS", False)
# One: the catalog is some 30 MB in each. More where many people ask at once.
WEB_WORKERS = number("WEB_WORKERS", 1, 1, 64)
DEBUG = flag("DEBUG", False)
SECRET_KEY = secret_key()
ALLOWED_HOSTS = [h for h in os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",") if h]
if "*" in ALLOWED_HOSTS:
    fail("ALLOWED_HOSTS must name hosts; '*' is refused.")
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("CSRF_TRUSTED_ORIGINS", "").split(",") if o]

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
DATABASES = {"default": database(secret("DATABASE_URL"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
LOGIN_URL = "admin:login"
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Straight out of the packages and static/, listed once at the start: no collectstatic, no second copy.
WHITENOISE_USE_FINDERS = True

SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "config.errors.no_csrf"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
# Preloading is a promise of a whole domain to every browser: its owner's to make, not ours.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SECURE_SSL_REDIRECT = HTTPS
# Asked from inside, past the proxy.
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # a model's page has nine for each of its results, and some have over a hundred

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "advisor.api.tokens.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["rest.throttles.ByScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest.renderers.OrjsonRenderer"],
    # Else `builds/?format=gguf` would ask for a renderer of that name.
    "URL_FORMAT_OVERRIDE": None,
    "EXCEPTION_HANDLER": "rest.problems.handler",
    "DEFAULT_PARSER_CLASSES": ["rest.parsers.OrjsonParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "rest.schema.Schema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Berth",
    "DESCRIPTION": "Which open-weight model runs on which hardware, why, and running it.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "EngineEnum": "advisor.question.engine_fields.ENGINES",
        "KvTypeEnum": "advisor.fit.engines.llama_cpp.settings.KV_TYPES",
        "LaunchStatusEnum": "advisor.api.schemas.STATUSES",
        "ModelStatusEnum": "catalog.models.Model.Status",
    },
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "config.examples.attach"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "/static/icon.svg",
}

# The hub that imports read, when somebody asks for one: an answer never does. Files may come from the hub's own stores.
HF_ENDPOINT = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
HF_CDN_HOSTS = [h for h in os.environ.get("HF_CDN_HOSTS", "cdn-lfs.huggingface.co,.hf.co").split(",") if h]
HF_TOKEN = secret("HF_TOKEN")
_hub = urlsplit(HF_ENDPOINT)
if _hub.username or _hub.query or _hub.fragment or not _hub.hostname:
    fail("HF_ENDPOINT must be an address such as https://huggingface.co, without a name, query or fragment.")
if _hub.scheme != "https" and not (_hub.scheme == "http" and _hub.hostname in ("127.0.0.1", "::1", "localhost")):
    fail("HF_ENDPOINT must start with https://; http:// is for this very machine only.")
for _host in HF_CDN_HOSTS:
    if not re.fullmatch(r"\.?[a-z0-9-]+(\.[a-z0-9-]+)+(:[0-9]{1,5})?", _host):
        fail(f"HF_CDN_HOSTS must be names such as cdn.example or .example.org for all below it, not {_host!r}.")
# The secret that signs catalog bundles, the same wherever they are to be read.
BUNDLE_KEY = secret("BERTH_BUNDLE_KEY")
HUB_SECONDS = number("HUB_SECONDS", 120, 1, 3600)
HUB_REQUEST_SECONDS = number("HUB_REQUEST_SECONDS", 20, 1, 600)
HUB_BYTES = number("HUB_MIB", 256, 1, 4096) << 20
HUB_REQUEST_BYTES = min(32 << 20, HUB_BYTES)

# The machine that this process runs on. Every host has a queue of its own: a launch must reach its own GPUs.
HOST_ID = os.environ.get("BERTH_HOST") or "local"
if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", HOST_ID):
    fail(f"BERTH_HOST must be lower-case letters, digits and dashes, not {HOST_ID!r}.")
HOST_QUEUE = f"host.{HOST_ID}"
# A reading of the hardware that is older is shown as stale and not launched on; one is taken every 30 s.
SNAPSHOT_STALE_SECONDS = number("SNAPSHOT_STALE_SECONDS", 120, 10, 86400)
REDIS_URL = secret("REDIS_URL")
# Where `make run` says which broker it started, so that a command beside it reaches the same one.
BROKER_FILE = BERTH_DATA / "broker.url"
if REDIS_URL and urlsplit(REDIS_URL).scheme not in ("redis", "rediss", "unix"):
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
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    task: {"task": task, "schedule": seconds, "options": {"queue": HOST_QUEUE, "expires": seconds}}
    for task, seconds in {
        "hardware.tasks.snapshot": 30.0,
        "advisor.tasks.reconcile": 2.0,
        "advisor.tasks.prune": 3600.0,
    }.items()
}

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

# Whether visitors without an account may read and ask; on only where nobody else can reach the page.
ANONYMOUS_ACCESS = flag("BERTH_ANONYMOUS", LOOPBACK)
# Whether /metrics is there, for whoever may read.
METRICS = flag("BERTH_METRICS", LOOPBACK)
# Where the web processes keep their counts together.
METRICS_FOLDER = BERTH_DATA / "metrics"
# Requests a minute by scope, for each token, account or address, and attempts to sign in as one account from one
# address. On loopback nobody needs protection.
RATE_LIMITS = rates(
    os.environ.get("RATE_LIMITS", ""),
    {} if LOOPBACK else {"read": 3000, "recommend": 3000, "agent": 600, "launch": 60, "catalog": 600, "sign-in": 10},
)
# Whether someone at this very machine may launch and stop from the page without signing in.
LOCAL_OPERATOR = flag("BERTH_LOCAL_OPERATOR", LOOPBACK)
# The only folders out of which a model file is ever launched, besides the bundled model.
MODEL_ROOTS = [
    Path(p).resolve() for p in os.environ.get("BERTH_MODELS", str(BERTH_DATA / "models")).split(os.pathsep) if p
]
# The llama-server to run; empty: the one on PATH, else the engine of the xllamacpp wheel.
LLAMA_SERVER = os.environ.get("BERTH_LLAMA_SERVER", "")
if LLAMA_SERVER and not os.access(LLAMA_SERVER, os.X_OK):
    fail(f"BERTH_LLAMA_SERVER must be the path of a program, not {LLAMA_SERVER!r}.")
