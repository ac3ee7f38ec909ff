from __future__ import annotations

from django.urls import path

from advisor.api import launches
from advisor.api.estimates import Estimates
from advisor.api.files import Files
from advisor.api.model_vllm import ModelUnderVllm
from advisor.api.recommendations import Recommendations
from advisor.api.refresh import RefreshBuild
from advisor.api.requirements import Requirements
from advisor.monitoring import health, prometheus
from advisor.pages.about import about_page
from advisor.pages.ask import ask_page
from advisor.pages.claims import claims_page
from advisor.pages.compare import compare_page
from advisor.pages.hosts import hosts_page
from advisor.pages.launches import launch_chat, launch_page, launch_stop, launches_page
from advisor.pages.model import model_page
from advisor.pages.operator import operator_page
from advisor.pages.requirements import requirements_page

pages = [
    path("", ask_page, name="ask"),
    path("requirements/", requirements_page, name="requirements"),
    path("compare/", compare_page, name="compare"),
    path("claims/", claims_page, name="claims"),
    path("about/", about_page, name="about"),
    path("models/<str:slug>/", model_page, name="model"),
    path("launches/", launches_page, name="launches"),
    path("launches/<uuid:launch_id>/", launch_page, name="launch"),
    path("launches/<uuid:launch_id>/stop/", launch_stop, name="launch-stop"),
    path("launches/<uuid:launch_id>/chat/", launch_chat, name="launch-chat"),
    path("hardware/", hosts_page, name="hardware"),
    path("operator/", operator_page, name="operator"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", prometheus.Metrics.as_view(), name="metrics"),
]
rest = [
    path("recommendations/", Recommendations.as_view(), name="recommendations"),
    path("requirements/", Requirements.as_view(), name="api-requirements"),
    path("estimates/", Estimates.as_view(), name="estimates"),
    path("models/<str:slug>/vllm/", ModelUnderVllm.as_view(), name="api-model-vllm"),
    path("builds/<path:key>/refresh/", RefreshBuild.as_view(), name="api-build-refresh"),
    path("hosts/<str:host>/files/", Files.as_view(), name="api-host-files"),
    path("launches/", launches.Launches.as_view(), name="api-launches"),
    path("launches/<uuid:launch_id>/", launches.OneLaunch.as_view(), name="api-launch"),
    path("launches/<uuid:launch_id>/log/", launches.LaunchLog.as_view(), name="api-launch-log"),
    path("launches/<uuid:launch_id>/manifest/", launches.LaunchManifest.as_view(), name="api-launch-manifest"),
]
