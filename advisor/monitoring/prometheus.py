from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

from advisor.monitoring import metrics
from rest.renderers import Whatever


class Metrics(APIView):
    """Metrics for Prometheus, which sends a token as any other client does; 404 while METRICS is off."""

    read_scope = "read"
    content_negotiation_class = Whatever
    schema = None

    def get(self, request: Request) -> HttpResponse:
        if not settings.METRICS:
            raise NotFound
        return HttpResponse(metrics.metrics_text(), content_type=CONTENT_TYPE_LATEST)
