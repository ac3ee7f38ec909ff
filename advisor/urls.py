from __future__ import annotations

from django.urls import path

from advisor import api, health

pages = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
rest = [
    path("recommendations/", api.Recommendations.as_view(), name="recommendations"),
    path("estimates/", api.Estimates.as_view(), name="estimates"),
]
