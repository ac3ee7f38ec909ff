"""Hardware as stated in a request -> the host document that the advisor plans on. Nothing is guessed in silence."""

from __future__ import annotations

from typing import Any

from hardware.parse_text import HardwareText, parse_text
from hardware.reference import GIB, AmbiguousGpu, GpuSpec, UnknownGpu, lookup

MOST_DEVICES = 64
MOST_BYTES = 64 * 1024 * GIB
FIELDS = {"accelerators", "ram_bytes", "ram_available_bytes", "cpu_cores", "os", "text", "host"}
ACCELERATOR_FIELDS = {"name", "count", "memory_bytes", "free_bytes", "memory_bandwidth"}
SYSTEMS = ("linux", "windows", "macos")


class HardwareError(ValueError):
    """Hardware that cannot be planned on. `errors`: [{"field", "message"[, "choices"]}], `status` for HTTP."""

    def __init__(self, errors: list[dict[str, Any]], status: int = 422) -> None:
        self.errors, self.status = errors, status
        super().__init__(errors[0]["message"])


class Errors(list[dict[str, Any]]):
    def add(self, field: str, message: str, **more: Any) -> None:
        self.append({"field": field, "message": message, **more})

    def number(self, holder: dict[str, Any], key: str, field: str, most: int, least: int = 1) -> int | None:
        """The whole number under `key`, or None when absent, null or wrong (then noted)."""
        value = holder.get(key)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.add(field, f"{field} must be a whole number from {least} to {most}.")
        return None

    def unknown(self, holder: dict[str, Any], known: set[str], prefix: str) -> None:
        for key in sorted(set(holder) - known):
            self.add(f"{prefix}{key}", f"{prefix}{key} is not a field; the fields are {', '.join(sorted(known))}.")


def stated(hardware: dict[str, Any]) -> dict[str, Any]:
    """The host document of hardware given as `accelerators` or `text`. Raises HardwareError.

    RAM that nobody stated stays None (a unified device's name tells it), and so does what of it is free.
    """
    errors = Errors()
    errors.unknown(hardware, FIELDS, "hardware.")
    if hardware.get("text") is not None:
        hardware = {**hardware, **worded(hardware, errors)}
    ram = errors.number(hardware, "ram_bytes", "hardware.ram_bytes", MOST_BYTES)
    available = errors.number(hardware, "ram_available_bytes", "hardware.ram_available_bytes", MOST_BYTES, 0)
    cores = errors.number(hardware, "cpu_cores", "hardware.cpu_cores", 4096)
    system = hardware.get("os") or "linux"
    if system not in SYSTEMS:
        errors.add("hardware.os", f"hardware.os must be one of {', '.join(SYSTEMS)}.")
    devices, pools = accelerators(hardware.get("accelerators"), ram, errors)
    if not devices and ram is None and not errors:
        errors.add("hardware.ram_bytes", "hardware.ram_bytes must be stated when there is no accelerator.")
    if pools and len(devices) > 1:
        errors.add("hardware.accelerators", "hardware.accelerators may hold one unified-memory device, and no other.")
    if errors:
        raise HardwareError(errors)
    ram = ram or next(iter(pools), None)
    return {
        "host": None,
        "accelerators": devices,
        "ram_bytes": ram,
        "ram_available_bytes": available,
        "ram_reserved_bytes": 0,
        "ram_bandwidth": None,
        "cpu_cores": cores,
        "cpu_name": None,
        "os": system,
        "snapshot": None,
        "warnings": [],
    }


def worded(hardware: dict[str, Any], errors: Errors) -> dict[str, Any]:
    """What `hardware.text` says; a field stated beside the text wins, but accelerators may stand in one place only."""
    if not isinstance(hardware["text"], str):
        errors.add("hardware.text", "hardware.text must be a string.")
        return {}
    if hardware.get("accelerators"):
        errors.add("hardware.text", "hardware.text and hardware.accelerators exclude each other; state one.")
        return {}
    try:
        said = parse_text(hardware["text"])
    except HardwareText as error:
        errors.add("hardware.text", str(error))
        return {}
    return {key: value for key, value in said.items() if hardware.get(key) is None}


def accelerators(items: Any, ram: int | None, errors: Errors) -> tuple[list[dict[str, Any]], list[int]]:
    """The devices, one entry each, and the RAM pool of each unified one."""
    devices: list[dict[str, Any]] = []
    pools: list[int] = []
    if not isinstance(items or [], list):
        errors.add("hardware.accelerators", "hardware.accelerators must be a list of objects.")
        items = None
    for position, item in enumerate(items or []):
        at = f"hardware.accelerators[{position}]."
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            errors.add(at + "name", f"{at}name must be a string such as 'RTX 4090'.")
            continue
        errors.unknown(item, ACCELERATOR_FIELDS, at)
        count = errors.number(item, "count", at + "count", MOST_DEVICES) or 1
        device, pool = accelerator(item, ram, at, errors)
        if device:
            devices += [dict(device) for _ in range(count)]
            pools += [pool] * count if pool else []
    if len(devices) > MOST_DEVICES:
        errors.add("hardware.accelerators", f"hardware.accelerators may hold at most {MOST_DEVICES} devices.")
    return devices, pools


def accelerator(
    item: dict[str, Any], ram: int | None, at: str, errors: Errors
) -> tuple[dict[str, Any] | None, int | None]:
    """One device, and the host RAM it shares when unified. Stated figures win over the reference; less is believed."""
    memory = errors.number(item, "memory_bytes", at + "memory_bytes", MOST_BYTES)
    free = errors.number(item, "free_bytes", at + "free_bytes", MOST_BYTES, 0)
    bandwidth = errors.number(item, "memory_bandwidth", at + "memory_bandwidth", 10**15)
    try:
        spec = reference(item["name"], memory, ram)
    except (UnknownGpu, AmbiguousGpu) as error:
        if memory is None or bandwidth is None:
            choices = {"choices": error.choices} if isinstance(error, AmbiguousGpu) else {"fields": list(error.fields)}
            errors.add(at + "name", str(error), **choices)
            return None, None
        spec = None
    capacity = memory or 0
    if spec:
        capacity = spec.memory_bytes if spec.unified or memory is None else min(memory, spec.memory_bytes)
    device = {
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
    """`lookup`, where the RAM stated for the host tells the size of a device that shares it."""
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
