"""NVIDIA GPU probe: NVML readings as plain dicts. The only importer of pynvml; NVMLError never leaves this module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pynvml

from hardware.reference import AmbiguousGpu, UnknownGpu, lookup

NOT_SUPPORTED, NO_PERMISSION, NOT_FOUND = 3, 4, 6
# NVML return code -> our code and one sentence with the remedy.
FAILURES = {
    3: ("not_supported", "The driver does not report this figure for the device."),
    4: ("no_permission", "The driver refuses to show this device: run Berth as a user who may read it."),
    9: ("driver_not_loaded", "The NVIDIA kernel module is not loaded: load it with modprobe nvidia, or reboot."),
    12: (
        "library_missing",
        "libnvidia-ml.so.1 is not found: install the NVIDIA driver, or start the container with --gpus and the driver "
        "capability 'utility'.",
    ),
    13: ("driver_too_old", "The NVIDIA driver lacks a function that Berth needs: update the driver."),
    15: ("gpu_lost", "The GPU has fallen off the bus: reset it or reboot the machine."),
    18: ("driver_mismatch", "The NVIDIA driver was updated while its old version still runs: reboot the machine."),
    999: (
        "nvml_unknown",
        "NVML reports an unknown error; a container loses its GPUs when its host reloads systemd: restart it.",
    ),
}
MEMORY_V2_MISSING = (2, 13, 25)  # invalid argument, function not found, version mismatch: an old driver


class NvmlFailure(Exception):
    """An NVML call failed. Replaces pynvml's own error, which is unhashable and breaks when compared."""

    def __init__(self, value: int, call: str) -> None:
        self.value = value
        default = (f"nvml_{value}", f"NVML answered {call} with error {value}: see the driver's log (dmesg).")
        self.code, self.message = FAILURES.get(value, default)
        super().__init__(self.message)

    def entry(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message}


def call(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """One NVML call, strings decoded. Raises NvmlFailure."""
    try:
        answer = function(*arguments, **options)
    except pynvml.NVMLError as error:
        raise NvmlFailure(int(error.value), function.__name__) from None
    except UnicodeDecodeError as error:  # pynvml's own decoding of a name
        answer = error.object
    return answer.decode(errors="replace") if isinstance(answer, bytes) else answer


def tried(function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of an optional NVML call, or None when it fails."""
    try:
        return call(function, *arguments)
    except NvmlFailure:
        return None


def read_nvml() -> dict[str, Any]:
    """`{"driver", "error", "devices"}`; `error` is None or `{"code", "message"}`, and so is that of each device."""
    try:
        call(pynvml.nvmlInit)
    except NvmlFailure as failure:
        return {"driver": None, "error": failure.entry(), "devices": []}
    try:
        count = call(pynvml.nvmlDeviceGetCount)
    except NvmlFailure as failure:
        return {"driver": None, "error": failure.entry(), "devices": []}
    else:
        driver = tried(pynvml.nvmlSystemGetDriverVersion)
        return {"driver": driver, "error": None, "devices": [d for index in range(count) for d in devices(index)]}
    finally:
        tried(pynvml.nvmlShutdown)


def devices(index: int) -> list[dict[str, Any]]:
    """One GPU, or its MIG slices. A GPU that fails gives an entry with `error` and leaves the others usable."""
    device: dict[str, Any] = blank(index)
    try:
        handle = call(pynvml.nvmlDeviceGetHandleByIndex, index)
        device["name"] = call(pynvml.nvmlDeviceGetName, handle)
        device["uuid"] = call(pynvml.nvmlDeviceGetUUID, handle)
        about(device, handle)
        slices = mig_slices(device, handle)
        if slices:
            return slices
        measure(device, handle)
    except NvmlFailure as failure:
        device["error"] = failure.entry()
    return [device]


def blank(index: int) -> dict[str, Any]:
    return {
        "vendor": "nvidia",
        "kind": "gpu",
        "index": index,
        "uuid": None,
        "name": None,
        "parent": None,
        "pci_bus_id": None,
        "compute_capability": None,
        "memory_total": None,
        "memory_free": None,
        "memory_used": None,
        "memory_bandwidth": None,
        "processes": None,
        "error": None,
    }


def about(device: dict[str, Any], handle: Any) -> None:
    """Fill in the optional properties, each of which may be missing."""
    pci = tried(pynvml.nvmlDeviceGetPciInfo, handle)
    if pci is not None:
        bus = pci.busId
        device["pci_bus_id"] = bus.decode() if isinstance(bus, bytes) else str(bus)
    capability = tried(pynvml.nvmlDeviceGetCudaComputeCapability, handle)
    if capability:
        device["compute_capability"] = "{}.{}".format(*capability)
    bits = tried(pynvml.nvmlDeviceGetMemoryBusWidth, handle)
    mhz = tried(pynvml.nvmlDeviceGetMaxClockInfo, handle, pynvml.NVML_CLOCK_MEM)
    if bits and mhz:
        # Two transfers per reported clock, as CUDA's deviceQuery computes it: 384 bit at 10501 MHz is 1008 GB/s.
        device["memory_bandwidth"] = mhz * 1_000_000 * 2 * bits // 8


def measure(device: dict[str, Any], handle: Any) -> None:
    """Fill in memory and processes. "Not supported" memory means host memory on a known integrated device only."""
    try:
        memory = memory_info(handle)
    except NvmlFailure as failure:
        if failure.value != NOT_SUPPORTED or not integrated(device["name"]):
            raise
        device["kind"] = "unified"
    else:
        device.update(memory_total=int(memory.total), memory_free=int(memory.free), memory_used=int(memory.used))
    running = tried(pynvml.nvmlDeviceGetComputeRunningProcesses, handle)
    if running is not None:
        device["processes"] = [{"pid": int(p.pid), "bytes": p.usedGpuMemory} for p in running]


def memory_info(handle: Any) -> Any:
    """The memory info, version 2 (driver's own share listed apart) or, with drivers before 510, version 1."""
    try:
        return call(pynvml.nvmlDeviceGetMemoryInfo, handle, version=pynvml.nvmlMemory_v2)
    except NvmlFailure as failure:
        if failure.value not in MEMORY_V2_MISSING:
            raise
    return call(pynvml.nvmlDeviceGetMemoryInfo, handle)


def integrated(name: str) -> bool:
    """Whether this device's memory is the host's (GB10, Thor, Orin). False for an unknown name."""
    try:
        return lookup(name).unified
    except AmbiguousGpu as error:
        return all(lookup(c["name"], c["memory_bytes"]).unified for c in error.choices)
    except UnknownGpu:
        return False


def mig_slices(device: dict[str, Any], handle: Any) -> list[dict[str, Any]]:
    """The MIG slices of a GPU in MIG mode, whose own memory cannot be read; empty when the mode is off."""
    mode = tried(pynvml.nvmlDeviceGetMigMode, handle)
    if not mode or not mode[0]:
        return []
    slices = []
    for position in range(tried(pynvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0):
        entry = {**device, "kind": "mig", "uuid": None, "parent": device["name"]}
        try:
            part = call(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, position)
            entry["uuid"] = call(pynvml.nvmlDeviceGetUUID, part)
            entry["name"] = call(pynvml.nvmlDeviceGetName, part)
            measure(entry, part)
        except NvmlFailure as failure:
            if failure.value == NOT_FOUND:
                continue  # slice numbers may have gaps
            entry["error"] = failure.entry()
        slices.append(entry)
    if not slices:
        message = "MIG mode is on without a slice: create one with nvidia-smi mig, or switch the mode off."
        return [{**device, "error": {"code": "no_mig_slices", "message": message}}]
    return slices
