from __future__ import annotations

from django.urls import path

from advisor import comparison_views, launch_api, reverse_views, views
from advisor.api.estimates import Estimates
from advisor.api.model_vllm import ModelUnderVllm
from advisor.api.recommendations import Recommendations
from advisor.api.requirements import Requirements
from advisor.monitoring import health, prometheus

pages = [
    path("", views.ask, name="ask"),
    path("requirements/", reverse_views.requirements, name="requirements"),
    path("compare/", comparison_views.compare, name="compare"),
    path("claims/", comparison_views.claims, name="claims"),
    path("about/", views.about, name="about"),
    path("models/<str:slug>/", views.model, name="model"),
    path("launches/", views.launches, name="launches"),
    path("launches/<uuid:launch_id>/", views.launch, name="launch"),
    path("launches/<uuid:launch_id>/stop/", views.launch_stop, name="launch-stop"),
    path("launches/<uuid:launch_id>/chat/", views.launch_chat, name="launch-chat"),
    path("hardware/", views.hardware, name="hardware"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", prometheus.Metrics.as_view(), name="metrics"),
]
rest = [
    path("recommendations/", Recommendations.as_view(), name="recommendations"),
    path("requirements/", Requirements.as_view(), name="api-requirements"),
    path("estimates/", Estimates.as_view(), name="estimates"),
    path("models/<str:slug>/vllm/", ModelUnderVllm.as_view(), name="api-model-vllm"),
    path("launches/", launch_api.Launches.as_view(), name="api-launches"),
    path("launches/<uuid:launch_id>/", launch_api.OneLaunch.as_view(), name="api-launch"),
    path("launches/<uuid:launch_id>/log/", launch_api.LaunchLog.as_view(), name="api-launch-log"),
    path("launches/<uuid:launch_id>/manifest/", launch_api.LaunchManifest.as_view(), name="api-launch-manifest"),
]
