"""Turns hardware stated in a request into the host document for planning. Nothing is guessed silently."""

from __future__ import annotations

from typing import Any

from hardware.parse_text import HardwareText, parse_text
from hardware.reference import AmbiguousGpu, GpuSpec, UnknownGpu, lookup
from hardware.shapes import HostAccelerator, HostDocument
from hardware.stated_serializers import HARDWARE
from rest.serializers import checked

Errors = list[dict[str, Any]]


class HardwareError(ValueError):
    """Hardware that cannot be planned on. `errors`: [{"field", "message"[, "choices"]}], `status` for HTTP."""

    def __init__(self, errors: Errors, status: int = 422) -> None:
        self.errors, self.status = errors, status
        super().__init__(errors[0]["message"])


def stated(hardware: Any) -> HostDocument:
    """The host document of hardware given as `accelerators` or `text`.

    RAM that was not stated is None (unless a unified device's name implies it), and so is the available RAM. Raises
    HardwareError: 400 where a field is wrong or beyond its limit, 422 where hardware is unknown or ambiguous.
    """
    return resolved(within_limits(hardware))


def within_limits(hardware: Any) -> dict[str, Any]:
    found, errors = checked(HARDWARE, hardware)
    if errors:
        named = (f"hardware.{error['field']}".rstrip(".") for error in errors)
        raise HardwareError([e | {"field": field} for e, field in zip(errors, named, strict=True)], 400)
    return found


def resolved(hardware: dict[str, Any]) -> HostDocument:
    """As `stated`, for hardware that was validated already. Fields parsed from its text are validated too."""
    notes: list[str] = []
    if "text" in hardware:
        fields = from_text(hardware)
        notes = fields.pop("notes", [])
        if hardware.get("ram_bandwidth"):
            notes = [note for note in notes if not note.startswith("RAM bandwidth")]
        hardware = within_limits(fields)
    ram = hardware.get("ram_bytes")
    errors: Errors = []
    devices, pools = accelerators(hardware.get("accelerators") or [], ram, errors)
    if not devices and ram is None and not errors:
        noted(errors, "hardware.ram_bytes", "hardware.ram_bytes must be stated when there is no accelerator.")
    if pools and len(devices) > 1:
        sentence = "hardware.accelerators may hold one unified-memory device, and no other."
        noted(errors, "hardware.accelerators", sentence)
    if errors:
        raise HardwareError(errors)
    return {
        "host": None,
        "accelerators": devices,
        "ram_bytes": ram or next(iter(pools), None),
        "ram_available_bytes": None,
        "ram_reserved_bytes": 0,
        "ram_bandwidth": hardware.get("ram_bandwidth"),
        "cpu_cores": hardware.get("cpu_cores"),
        "cpu_name": None,
        "os": hardware.get("os") or "linux",
        "snapshot": None,
        "warnings": list(notes),
    }


def from_text(hardware: dict[str, Any]) -> dict[str, Any]:
    """The text parsed into fields; a field stated beside it wins."""
    try:
        said = parse_text(hardware["text"])
    except HardwareText as error:
        raise HardwareError([{"field": "hardware.text", "message": str(error)}]) from error
    beside = {key: value for key, value in hardware.items() if key != "text" and value is not None}
    return {key: value for key, value in said.items() if value is not None} | beside


def noted(errors: Errors, field: str, message: str, **more: Any) -> None:
    errors.append({"field": field, "message": message, **more})


def accelerators(
    items: list[dict[str, Any]], ram: int | None, errors: Errors
) -> tuple[list[HostAccelerator], list[int]]:
    """The devices, one entry each, and the RAM pool of each unified one."""
    devices: list[HostAccelerator] = []
    pools: list[int] = []
    for position, item in enumerate(items):
        device, pool = accelerator(item, ram, f"hardware.accelerators[{position}].name", errors)
        if device:
            devices += [device.copy() for _ in range(item["count"])]
            pools += [pool] * item["count"] if pool else []
    return devices, pools


def accelerator(
    item: dict[str, Any], ram: int | None, field: str, errors: Errors
) -> tuple[HostAccelerator | None, int | None]:
    """One device, and the host RAM it shares if unified.

    Stated figures override the reference, but a stated memory size can only lower it.
    """
    memory, free, bandwidth = (item.get(key) for key in ("memory_bytes", "free_bytes", "memory_bandwidth"))
    try:
        spec = reference(item["name"], memory, ram)
    except (UnknownGpu, AmbiguousGpu) as error:
        if memory is None or bandwidth is None:
            choices = {"choices": error.choices} if isinstance(error, AmbiguousGpu) else {"fields": list(error.fields)}
            noted(errors, field, str(error), **choices)
            return None, None
        spec = None
    capacity = memory or 0
    if spec:
        capacity = spec.memory_bytes if spec.unified or memory is None else min(memory, spec.memory_bytes)
    device: HostAccelerator = {
        "name": spec.name if spec else item["name"],
        "uuid": None,
        "memory_bytes": capacity,
        "free_bytes": capacity if free is None else min(free, capacity),
        "reserved_bytes": 0,
        "memory_bandwidth": bandwidth or (spec.memory_bandwidth if spec else None),
        "flops_fp16": spec.flops_fp16 if spec else None,
        "compute_capability": spec.compute_capability if spec else None,
        "unified": spec.unified if spec else False,
        "vendor": spec.vendor if spec else None,
        "source": "reference" if spec and bandwidth is None else "stated",
    }
    return device, spec.nominal_bytes if spec and spec.unified else None


def reference(name: str, memory: int | None, ram: int | None) -> GpuSpec:
    """As `lookup`, with the host's stated RAM selecting the size of a unified device."""
    try:
        spec = lookup(name, memory)
    except AmbiguousGpu as ambiguous:
        if memory or not ram:
            raise
        try:
            shared = lookup(name, ram)
        except AmbiguousGpu:
            raise ambiguous from None
        if not shared.unified:
            raise
        return shared
    return lookup(name, ram) if spec.unified and ram and not memory else spec
