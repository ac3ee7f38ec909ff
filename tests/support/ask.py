"""Answers to request bodies, as an entry point produces them: parsed, answered, deserialized."""

from __future__ import annotations

from typing import Any

from advisor.answers import compare_machines as machines
from advisor.answers import estimate as estimate_module
from advisor.answers import recommend as recommendations
from advisor.answers import requirements
from advisor.answers.launch_plan import launch_plan, wish_of
from advisor.answers.launch_request import fresh_reading
from advisor.fit.spec import Plan
from advisor.question.parse import parse, parse_estimate, parse_requirements
from hardware.hosts import host_id


def recommend(body: Any) -> dict[str, Any]:
    return recommendations.recommend(parse(body)).document


def estimate(body: Any) -> dict[str, Any]:
    return estimate_module.estimate(parse_estimate(body))


def hardware_for_model(body: Any) -> dict[str, Any]:
    return requirements.hardware_for_model(parse_requirements(body)).document


def plan_for_launch(*, host: str, **body: Any) -> Plan:
    reading = fresh_reading(host_id(host), body)
    return launch_plan(reading, wish_of(body, reading))


def compare_machines(words: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
    """`words`: the hardware by side, "a" and "b"."""
    return machines.compare_machines({name: parse(body | {"hardware": {"text": text}}) for name, text in words.items()})
