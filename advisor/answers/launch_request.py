"""A launch asked for: planned on a fresh reading, reserved and queued."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from advisor.launch.queue import enqueue, launch_of_key
from advisor.launch.refused import LaunchRefused, model_of, refusal
from advisor.models import Launch
from hardware.hosts import host_document, is_here
from hardware.stated import HardwareError


def request_launch(
    *, host: str = "local", idempotency_key: str | None = None, owner: str = "", **wish: Any
) -> tuple[Launch, bool]:
    """Plan on a fresh snapshot, reserve, and queue; whether it is new. The same key answers with the same launch.

    `wish` as `plan_for_launch` takes it. Raises LaunchRefused, Invalid and DoesNotFit.
    """
    if known := launch_of_key(idempotency_key):
        return known, False
    from advisor.answers.launch_plan import plan_for_launch  # noqa: PLC0415

    host = settings.HOST_ID if is_here(host) else host
    reading = fresh_reading(host, wish)
    plan = plan_for_launch(host=host, **wish)
    again = host_document(host)
    if again["snapshot"]["id"] != reading["snapshot"]["id"]:
        # The plan counts devices by their place in one reading; a newer one may have them in another order.
        plan = plan_for_launch(host=host, **wish)
        if host_document(host)["snapshot"]["id"] != again["snapshot"]["id"]:
            raise LaunchRefused("The host's hardware is being read again right now. Ask again in a moment.")
    uuids = [again["accelerators"][index]["uuid"] for index in plan.devices]
    return enqueue(plan, host, uuids=uuids, idempotency_key=idempotency_key, owner=owner)


def fresh_reading(host: str, wish: Mapping[str, Any]) -> dict[str, Any]:
    """The host's document. An old one is not read anew here: a web server may see no GPU where its worker sees all.

    Raises LaunchRefused or Invalid.
    """
    from advisor.question.errors import Invalid  # noqa: PLC0415

    try:
        reading = host_document(host)
    except HardwareError as error:
        raise Invalid([{**e, "field": "host"} for e in error.errors], error.status) from error
    if reading["snapshot"]["stale"]:
        why = reading["snapshot"]["message"] or f"it is {reading['snapshot']['age_seconds']:.0f} s old."
        raise LaunchRefused(
            f"The last reading of host {host!r} cannot be planned on: {why}",
            refusal(wish.get("model") or model_of(wish.get("build")), wish.get("build"), "stale_snapshot"),
        )
    return reading
