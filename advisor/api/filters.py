"""Filters of the launch list."""

from __future__ import annotations

import django_filters as filters

from advisor.models import Launch


class LaunchFilter(filters.FilterSet):
    host = filters.CharFilter(field_name="host_id")
    model = filters.CharFilter()
    build = filters.CharFilter()

    class Meta:
        model = Launch
        fields = ["status", "engine"]
