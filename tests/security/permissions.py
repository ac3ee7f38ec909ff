"""Who may do what at every address: the table that `test_permissions.py` holds the URLconf against.

A new address needs a row here. Methods that a row does not name do nothing: 405, 401 or 403.
"""

from __future__ import annotations

# What each caller may do by scope. A token counts in the API only, a session in the API and on the pages.
OFTEN = {"read", "recommend"}
TOKENS: dict[str, set[str]] = {
    "read token": {"read"},
    "recommend token": {"recommend"},
    "agent token of this host": {"agent"},
    "agent token of another host": {"agent"},
    "launch token": {"launch"},
    "catalog token": {"catalog"},
}
DEAD = ("expired token", "revoked token", "unknown token")
SESSIONS: dict[str, set[str]] = {
    "staff session": {"read", "recommend", "agent", "launch", "catalog"},
    "session without staff": OFTEN,
}
BROWSER = "operator's browser"  # has opened the operator link: counts on the pages only
CALLERS = ("anonymous", BROWSER, *TOKENS, *DEAD, *SESSIONS)

# API: address -> method -> (scope, status for those who have it). Bodies are empty, so most writes end in 400.
ROWS = {"GET": ("read", 200), "POST": ("catalog", 400)}
ROW = {"GET": ("read", 200), "PUT": ("catalog", 400), "PATCH": ("catalog", 200), "DELETE": ("catalog", 204)}
USED = ROW | {"DELETE": ("catalog", 409)}  # what others point at is not deleted
API: dict[str, dict[str, tuple[str, int]]] = {
    "api/v1/recommendations/": {"GET": ("recommend", 200), "POST": ("recommend", 200)},
    "api/v1/estimates/": {"POST": ("recommend", 400)},
    "api/v1/requirements/": {"POST": ("recommend", 400)},
    "api/v1/models/<str:slug>/vllm/": {"GET": ("recommend", 200)},
    "api/v1/launches/": {"GET": ("read", 200), "POST": ("launch", 400)},
    "api/v1/launches/<uuid:launch_id>/": {"GET": ("read", 200), "DELETE": ("launch", 200)},
    "api/v1/launches/<uuid:launch_id>/log/": {"GET": ("read", 200)},
    "api/v1/launches/<uuid:launch_id>/manifest/": {"GET": ("read", 200)},
    "api/v1/^models/$": ROWS,
    "api/v1/^models/(?P<slug>[a-z0-9][a-z0-9._-]*)/$": ROW,
    "api/v1/^builds/$": ROWS,
    "api/v1/^builds/(?P<key>.+)/$": ROW,
    "api/v1/builds/<path:key>/refresh/": {"POST": ("catalog", 409)},
    "api/v1/^evidence/$": ROWS,
    "api/v1/^evidence/(?P<pk>[^/.]+)/$": ROW,
    "api/v1/^benchmarks/$": ROWS,
    "api/v1/^benchmarks/(?P<pk>[^/.]+)/$": USED,
    "api/v1/^licences/$": ROWS,
    "api/v1/^licences/(?P<pk>[a-z0-9][a-z0-9._-]*)/$": USED,
    "api/v1/hosts/<str:host>/files/": {"GET": ("read", 200)},
    "api/v1/^hosts/$": {"GET": ("read", 200)},
    "api/v1/^hosts/(?P<pk>[A-Za-z0-9][A-Za-z0-9._-]*)/$": {"GET": ("read", 200)},
    "api/v1/^hosts/(?P<pk>[A-Za-z0-9][A-Za-z0-9._-]*)/snapshots/$": {"POST": ("agent", 400)},
    "api/v1/^accelerators/$": {"GET": ("read", 200)},
}
API["metrics"] = {"GET": ("read", 200)}
# Open to everybody; a dead token is refused even here.
OPEN_API = ("api/v1/schema/", "api/docs/")

# Pages: method -> whom: "visitor" reads, where ANONYMOUS_ACCESS is off after a sign-in; "operator" is staff, or while
# LOCAL_OPERATOR is on a browser that has opened the operator link. 302 leads somewhere else than to the sign-in.
PAGES: dict[str, dict[str, tuple[str, int]]] = {
    "": {"GET": ("visitor", 200)},
    "launches/": {"GET": ("visitor", 200), "POST": ("operator", 302)},
    "launches/<uuid:launch_id>/": {"GET": ("visitor", 200)},
    "launches/<uuid:launch_id>/stop/": {"POST": ("operator", 302)},
    "launches/<uuid:launch_id>/chat/": {"POST": ("operator", 302)},
    "requirements/": {"GET": ("visitor", 200)},
    "compare/": {"GET": ("visitor", 200)},
    "claims/": {"GET": ("visitor", 200)},
    "models/<str:slug>/": {"GET": ("visitor", 200)},
    "about/": {"GET": ("visitor", 200)},
    "hardware/": {"GET": ("visitor", 200)},
}
OPEN_PAGES = ("healthz", "readyz")
LINK = "operator/"  # open to everybody who has the key, which no caller here sends
# Of the admin each address asks for a sign-in as staff, save this one, which is the sign-in.
SIGN_IN = "admin/login/"
