"""Parses a question from any entry point: validated once, with its hardware resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from rest_framework.serializers import Serializer

from advisor.fit.spec import HostSpec, Workload
from advisor.question import query_string
from advisor.question.errors import Invalid
from advisor.question.serializers import ESTIMATE, QUESTION, REQUIREMENTS, WORKLOAD
from advisor.selectors.hosts import Reading, read_host
from hardware.hosts import host_id
from hardware.stated import HardwareError, resolved, stated
from rest.serializers import checked


@dataclass(frozen=True, slots=True)
class Question:
    """A parsed question, ready for every kind of answer."""

    asked: Mapping[str, Any]  # the body with defaults filled in: a decision's digest covers it, and it is stored
    reading: Reading
    host: HostSpec
    workload: Workload
    prefer: str
    engines: tuple[str, ...]
    limit: int
    rejected_limit: int
    expand: bool  # also return every model's other plans
    on_disk: bool  # consider only builds whose files are on this machine
    prices: Mapping[str, Any] | None  # as validated by `CostSerializer`; None if no cost was asked for

    @classmethod
    def of(cls, asked: Mapping[str, Any], reading: Reading) -> Question:
        return cls(
            asked=asked,
            reading=reading,
            host=reading.host,
            workload=workload_of(asked["workload"]),
            prefer=asked["prefer"],
            engines=tuple(asked["engines"]),
            limit=asked["limit"],
            rejected_limit=asked["rejected_limit"],
            expand=asked["expand"] == "plans",
            on_disk=asked["on_disk"],
            prices=asked.get("cost"),
        )

    def but(self, **changes: Any) -> Question:
        """The same question with other top-level values, which must be valid."""
        return Question.of({**self.asked, **changes}, self.reading)

    def on(self, host: HostSpec) -> Question:
        """The same question about the usable part of its machine."""
        return replace(self, host=host, reading=replace(self.reading, host=host))


@dataclass(frozen=True, slots=True)
class EstimateQuestion:
    """One build, by its id or as a quantization of a model, with settings that its engine has yet to parse."""

    build: str | None
    model: str | None
    quantization: str | None
    engine: str
    settings: Mapping[str, Any]
    reading: Reading


@dataclass(frozen=True, slots=True)
class RequirementsQuestion:
    asked: Mapping[str, Any]
    model: str
    workload: Workload
    prefer: str
    limit: int


def parse(body: Any, known: Reading | None = None) -> Question:
    """The question in a body. Raises Invalid, naming each wrong field.

    `known`: a reading to reuse if the question is about its host.
    """
    asked = valid(QUESTION, body)
    named = asked["hardware"].get("host")
    same = known is not None and named is not None and host_id(named) == known.host_id
    reading = known if known is not None and same else hardware_read(asked["hardware"])
    return Question.of(asked, reading)


def parse_query(query: Mapping[str, str]) -> Question:
    """The question in flat query keys, as in a link, a form or on the command line. Raises Invalid."""
    return parse(body_of_query(query))


def body_of_query(query: Mapping[str, str]) -> dict[str, Any]:
    """Flat query keys as the equivalent body. Raises Invalid, 400, for an unknown key."""
    body, errors = query_string.question_of_query(query)
    if errors:
        raise Invalid(errors)
    return body


def parse_estimate(body: Any) -> EstimateQuestion:
    """The build and settings to estimate. Raises Invalid."""
    asked = valid(ESTIMATE, body)
    reading = hardware_read(asked.get("hardware") or {"host": "local"})
    named = {key: asked.get(key) for key in ("build", "model", "quantization")}
    return EstimateQuestion(**named, engine=asked["engine"], settings=asked["settings"], reading=reading)


def parse_requirements(body: Any) -> RequirementsQuestion:
    """The reverse question in a body. Raises Invalid."""
    asked = valid(REQUIREMENTS, body)
    asked.setdefault("workload", valid(WORKLOAD, {}))
    workload = workload_of(asked["workload"])
    return RequirementsQuestion(asked, asked["model"], workload, asked["prefer"], asked["limit"])


def parse_workload(given: Any) -> Workload:
    """The workload with defaults filled in. Raises Invalid, its fields prefixed with "workload"."""
    with within("workload"):
        return workload_of(valid(WORKLOAD, given or {}))


def parse_hardware(text: str) -> Reading:
    """A machine described in words. Raises Invalid."""
    with refused_hardware():
        return Reading.of(stated({"text": text}))


def hardware_read(hardware: Mapping[str, Any]) -> Reading:
    """A known host or stated hardware, already validated. Raises Invalid with what to state or the choices."""
    with refused_hardware():
        return read_host(hardware["host"]) if "host" in hardware else Reading.of(resolved(dict(hardware)))


@contextmanager
def refused_hardware() -> Iterator[None]:
    try:
        yield
    except HardwareError as error:
        raise Invalid(error.errors, error.status) from error


@contextmanager
def within(name: str) -> Iterator[None]:
    """Prefixes the fields of an Invalid raised inside with the member `name`."""
    try:
        yield
    except Invalid as error:
        fields = [f"{name}.{e['field']}" if e["field"] else name for e in error.errors]
        errors = [e | {"field": field} for e, field in zip(error.errors, fields, strict=True)]
        raise Invalid(errors, error.status) from error


def valid(shape: Serializer[Any], body: Any) -> dict[str, Any]:
    found, errors = checked(shape, body)
    if errors:
        raise Invalid(errors)
    return found


def workload_of(asked: Mapping[str, Any]) -> Workload:
    return Workload(**{key: tuple(value) if isinstance(value, list) else value for key, value in asked.items()})
