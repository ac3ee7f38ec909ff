from __future__ import annotations

from typing import Any

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from config.middleware import POLICY
from rest.strict import StrictQuery


class SchemaView(StrictQuery, SpectacularAPIView):
    """The OpenAPI document, as YAML or JSON by content negotiation; query keys are refused."""


class SwaggerView(SpectacularSwaggerSplitView):
    """The API documentation, served from the sidecar package: no third-party request. Its styles are inline."""

    permission_classes = ()
    schema = None

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().get(request, *args, **kwargs)
        response["Content-Security-Policy"] = f"{POLICY}; style-src 'self' 'unsafe-inline'"
        return response
