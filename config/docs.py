from __future__ import annotations

from typing import Any

from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from config.middleware import POLICY


class SwaggerView(SpectacularSwaggerSplitView):
    """The API's documentation, out of the sidecar package: no third-party request. Its own styles are inline."""

    permission_classes = ()
    schema = None

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().get(request, *args, **kwargs)
        response["Content-Security-Policy"] = f"{POLICY}; style-src 'self' 'unsafe-inline'"
        return response
