"""The REST API: Django REST framework, and drf-spectacular for its document."""

from __future__ import annotations

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "advisor.api.tokens.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["rest.throttles.ByScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest.renderers.OrjsonRenderer"],
    # Else `builds/?format=gguf` would ask for a renderer of that name.
    "URL_FORMAT_OVERRIDE": None,
    "EXCEPTION_HANDLER": "rest.problems.handler",
    "DEFAULT_PARSER_CLASSES": ["rest.parsers.OrjsonParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "rest.schema.Schema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Berth",
    "DESCRIPTION": "Which open-weight model runs on which hardware, why, and running it.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "EngineEnum": "advisor.question.engine_fields.ENGINES",
        "KvTypeEnum": "advisor.fit.engines.llama_cpp.settings.KV_TYPES",
        "LaunchStatusEnum": "advisor.launch.shapes.STATUSES",
        "ModelStatusEnum": "catalog.models.Model.Status",
    },
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "config.examples.attach"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "/static/icon.svg",
}
