"""Liveness, and readiness with its causes. Plain Django views, so that they answer even when the API does not work."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from redis import Redis, RedisError

from catalog.models import CatalogVersion
from rest import problems

View = Callable[[HttpRequest], JsonResponse]


def only_read(view: View) -> View:
    """A GET-only view for monitoring without an account: other methods get a problem document, not the page on CSRF."""

    @csrf_exempt
    @login_not_required
    @wraps(view)
    def answer(request: HttpRequest) -> JsonResponse:
        if request.method in ("GET", "HEAD"):
            return view(request)
        return problems.respond(405, f"{request.method} is not allowed here.", headers={"Allow": "GET, HEAD"})

    return answer


@only_read
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@only_read
def readyz(request: HttpRequest) -> JsonResponse:
    """503 when questions cannot be answered.

    A broker that does not answer delays launches and loses nothing: it is reported, not fatal.
    """
    checks = {"database": database(), "catalog": "", "broker": broker()}
    if not checks["database"]:
        checks["catalog"] = (
            "" if CatalogVersion.objects.exists() else "The catalog is empty: run `manage.py load_catalog`."
        )
    ready = not (checks["database"] or checks["catalog"])
    body = {"status": "ok" if ready else "unavailable", "checks": {name: why or "ok" for name, why in checks.items()}}
    return JsonResponse(body, status=200 if ready else 503)


def database() -> str:
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "The database does not answer."
    return "Migrations are waiting: run `manage.py migrate`." if waiting else ""


def broker() -> str:
    try:
        Redis.from_url(settings.CELERY_BROKER_URL, socket_timeout=1, socket_connect_timeout=1).ping()
    except (RedisError, OSError):
        return "The broker does not answer: launches wait until the next look at the queue."
    return ""
