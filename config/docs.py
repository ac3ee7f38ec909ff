from __future__ import annotations

from typing import Any

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from config.middleware import POLICY
from rest.strict import StrictQuery


class SchemaView(StrictQuery, SpectacularAPIView):
    """The OpenAPI document, as YAML or JSON by what is accepted; it takes no query and says so."""


class SwaggerView(SpectacularSwaggerSplitView):
    """The API's documentation, out of the sidecar package: no third-party request. Its own styles are inline."""

    permission_classes = ()
    schema = None

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().get(request, *args, **kwargs)
        response["Content-Security-Policy"] = f"{POLICY}; style-src 'self' 'unsafe-inline'"
        return response
