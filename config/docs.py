from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from config.middleware import POLICY
from rest.strict import StrictQuery


class CachedGenerator(SchemaGenerator):
    """Generates the OpenAPI document once per process: it depends on the code alone, and takes a third of a second."""

    def get_schema(self, request: Request | None = None, public: bool = False) -> dict[str, Any]:
        return generated()


@cache
def generated() -> dict[str, Any]:
    document: dict[str, Any] = SchemaGenerator().get_schema(public=True)
    return document


class SchemaView(StrictQuery, SpectacularAPIView):
    """The OpenAPI document, as YAML or JSON by content negotiation; query keys are refused."""

    generator_class = CachedGenerator


class SwaggerView(SpectacularSwaggerSplitView):
    """The API documentation, served from the sidecar package: no third-party request. Its styles are inline."""

    permission_classes = ()
    schema = None

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().get(request, *args, **kwargs)
        response["Content-Security-Policy"] = f"{POLICY}; style-src 'self' 'unsafe-inline'"
        return response
