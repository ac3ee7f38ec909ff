"""Page state in the query string, and the part of it that links to other pages about the same machine carry on."""

from __future__ import annotations

from django.http import HttpRequest, QueryDict

from advisor.question.query_string import CARRIED


def filled_query(request: HttpRequest) -> QueryDict:
    """The query without the empty values that an HTML form submits for untouched fields."""
    query = request.GET.copy()
    for key in list(query):
        values = [value for value in query.getlist(key) if value.strip()]
        if values:
            query.setlist(key, values)
        else:
            del query[key]
    return query


def with_picks(query: QueryDict, picks: list[str]) -> str:
    more = query.copy()
    more.setlist("compare", picks)
    return more.urlencode()


def machine_query(query: QueryDict) -> str:
    """The part of a query that names the machine and the use case, for a link; empty for this machine in general."""
    kept = QueryDict(mutable=True)
    for key in CARRIED:
        if key in query:
            kept[key] = query[key]
    return f"?{kept.urlencode()}" if kept else ""
