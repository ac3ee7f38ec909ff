"""The page that compares the article's claims with computed figures."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from advisor.answers.claims import article_claims as claimed


@require_safe
def claims_page(request: HttpRequest) -> HttpResponse:
    found = claimed()
    rows = [row | {"verdict": verdict(row["weights_ratio"])} for row in found["rows"]]
    return render(request, "claims.html", {"page": "claims", "context": found["context"], "rows": rows})


def verdict(share: float) -> str:
    """The ratio of computed weights to the claim, in words."""
    if share > 1.05:
        return f"{share:.2g} times what is claimed"
    return "about what is claimed" if share > 0.95 else f"{share:.0%} of what is claimed"
