"""Requests a launch: plans it on a fresh reading, reserves its memory and queues it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.answers.launch_plan import launch_plan, wish_of
from advisor.fit.spec import Rejection
from advisor.launch.queue import Once, enqueue, launch_of
from advisor.launch.refused import LaunchRefused, ReadingChanged
from advisor.models import Launch
from advisor.question.errors import Invalid
from advisor.selectors.hosts import Reading, read_host
from hardware.hosts import host_id
from hardware.stated import HardwareError

READINGS = 2  # readings on which a launch is planned before it is refused


def request_launch(
    *,
    host: str = "local",
    once: Once | None = None,
    owner: str = "",
    restart: str = "no",
    download: bool | None = None,
    **body: Any,
) -> tuple[Launch, bool]:
    """Plan on a fresh reading, reserve and queue. Returns the launch and whether it is new.

    The same request with the same key returns the same launch. `body` as validated by `LaunchRequestSerializer`.
    Raises LaunchRefused, Invalid and DoesNotFit.
    """
    if known := launch_of(once):
        return known, False
    for _ in range(READINGS):
        reading = fresh_reading(host_id(host), body)
        wish = wish_of(body, reading)
        plan = launch_plan(reading, wish)
        try:
            return enqueue(plan, reading.placed(plan), once=once, owner=owner, restart=restart, download=download)
        except ReadingChanged:
            continue
    raise LaunchRefused("The host's hardware is being read again right now. Ask again in a moment.")


def fresh_reading(host: str, body: Mapping[str, Any]) -> Reading:
    """The newest reading of the host, refused if it is stale.

    A stale one is not renewed here: a web server may see no GPU where its worker sees all. Raises LaunchRefused or
    Invalid.
    """
    try:
        reading = read_host(host)
    except HardwareError as error:
        raise Invalid([{**e, "field": "host"} for e in error.errors], error.status) from error
    snapshot = reading.document["snapshot"]
    if snapshot["stale"]:
        why = snapshot["message"] or f"it is {snapshot['age_seconds']:.0f} s old."
        build = body.get("build")
        model = body.get("model") or (build.partition(":")[0] if build else None)
        rejection = Rejection(model, build, "stale_snapshot", None, None)
        raise LaunchRefused(f"The last reading of host {host!r} cannot be planned on: {why}", rejection)
    return reading
