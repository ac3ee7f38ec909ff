"""Question fields that depend on the installed engines: the engine's name, and the settings of each engine."""

from __future__ import annotations

from functools import cache
from typing import Any

from rest_framework import serializers

from advisor.fit.engines.base import Setting
from advisor.fit.engines.registry import planners
from rest.fields import Finite, Truth, Whole
from rest.serializers import Strict

MOST_SHARES = 64


def engine_names() -> list[str]:
    return list(planners())


ENGINES = tuple(engine_names())  # the engines at start-up, as the OpenAPI document lists them


class EngineField(serializers.ChoiceField):
    """The name of an engine that answers can name at this moment."""

    def __init__(self, **more: Any) -> None:
        super().__init__(engine_names(), **more)

    def to_internal_value(self, data: Any) -> Any:
        self.choices = engine_names()
        return super().to_internal_value(data)


def field_of(setting: Setting) -> serializers.Field[Any, Any, Any, Any]:
    more: dict[str, Any] = {"required": setting.required}
    more |= {"allow_null": True} if setting.nullable else {}
    more |= {"help_text": setting.help} if setting.help else {}
    limits = {"min_value": setting.least, "max_value": setting.most}
    if setting.kind == "whole":
        return Whole(**limits, **more)
    if setting.kind == "number":
        return Finite(**limits, **more)
    if setting.kind == "truth":
        return Truth(**more)
    if setting.kind == "choice":
        return serializers.ChoiceField(setting.choices, **more)
    return serializers.ListField(child=Finite(**limits), max_length=MOST_SHARES, **more)


@cache
def settings_shape(settings: tuple[Setting, ...]) -> type[Strict]:
    """Engine settings as an answer gives them; what is left out keeps Berth's own default."""
    fields = {setting.name: field_of(setting) for setting in settings}
    return type("SettingsSerializer", (Strict,), {"__doc__": settings_shape.__doc__, **fields})


@cache
def settings_serializer(settings: tuple[Setting, ...]) -> Strict:
    return settings_shape(settings)()


def documented_settings() -> type[Strict]:
    """The settings shape shown in the OpenAPI document: that of the first engine."""
    return settings_shape(next((planner.SETTINGS for planner in planners().values()), ()))
