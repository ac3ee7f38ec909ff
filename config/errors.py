"""Error handlers outside the API's own views: an HTML page for people, a problem document under /api/."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from rest import problems


def _answer(request: HttpRequest, status: int, sentence: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problems.respond(status, sentence)
    return render(request, "error.html", {"title": problems.TITLES[status], "sentence": sentence}, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django refused the host name, form or query itself; the details go to the log, not to the client."""
    return _answer(request, 400, "This request cannot be answered: its host name or its form is not allowed here.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 404, "There is nothing at this address.")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 403, str(exception or "") or "You may not do this here.")


def no_csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF failure: the form did not come from our own page, or its cookie is gone."""
    return _answer(request, 403, "This form is not from this page, or it is too old: load the page again.")


def too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    answer = _answer(request, 429, f"Too many requests; ask again in {seconds} s.")
    answer["Retry-After"] = str(seconds)
    if request.headers.get("HX-Request"):
        answer["HX-Redirect"] = request.get_full_path()  # htmx shows no error by itself: make the browser load the page
    return answer


def server_error(request: HttpRequest) -> HttpResponse:
    return _plain(request, 500, "Something went wrong on our side; the log has the details.")


def unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    """503 for a page whose database is locked, full or unreachable."""
    answer = _plain(request, 503, problems.away_sentence(error))
    answer["Retry-After"] = str(problems.AWAY_SECONDS)
    return answer


REFUSED = {
    408: "The rest of this request did not arrive in time.",
    413: f"A request may have {2 * settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes.",
    503: f"Others are being answered and nothing is free at the moment; ask again in {problems.AWAY_SECONDS} s.",
}


def refused(request: HttpRequest, status: int) -> HttpResponse:
    """For a request that is too slow, too large, or has to wait for too long."""
    answer = _plain(request, status, REFUSED[status])
    if status == 503:
        answer["Retry-After"] = str(problems.AWAY_SECONDS)
    return answer


def _plain(request: HttpRequest, status: int, sentence: str) -> HttpResponse:
    """An answer that cannot fail in turn: no template, no database, no traceback."""
    if request.path.startswith("/api/"):
        return problems.respond(status, sentence)
    body = f'<h1>{problems.TITLES[status]}</h1><p>{sentence}</p><p><a href="/">Back to the question</a></p>'
    return HttpResponse(f'<!doctype html><html lang="en"><title>Error · Berth</title>{body}</html>', status=status)
