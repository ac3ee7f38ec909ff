"""Turns the fit's dataclasses into the API's documents: plain dicts, bytes as integers, floats rounded once, here."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.answers import shapes
from advisor.answers.explain import gives
from advisor.engines.base import NotHere
from advisor.engines.registry import adapters
from advisor.fit.allowances import overhead_of
from advisor.fit.engines.registry import planners
from advisor.fit.spec import BuildSpec, Device, DeviceMemory, HostSpec, Plan, Range, Rejection, Result, Speed
from advisor.launch.shapes import MemoryParts
from advisor.launch.shapes import Range as RangeDocument
from advisor.selectors.hosts import Reading
from catalog.published import file_url
from hardware.shapes import Freshness, SnapshotSummary

# Measured against the engine's dry run: exact headers are within 1 %, computed tensor lists within 2 %.
ERROR_BOUND_PERCENT = {True: 1.0, False: 2.0}
MEMORY_REASONS = ("gpu_memory", "host_memory")


def figure(value: float) -> float:
    """The value rounded to three significant digits, more than a prediction warrants."""
    return float(f"{value:.3g}")


def span(value: Range) -> RangeDocument:
    return {"low": figure(value.low), "mid": figure(value.mid), "high": figure(value.high)}


def hardware_document(reading: Reading) -> shapes.Hardware:
    """The resolved hardware: names, sizes, available memory, and the source of each figure."""
    host = reading.host
    return {
        "accelerators": [
            {
                "name": device.name,
                "uuid": device.uuid,
                "memory_bytes": device.memory_bytes,
                "available_bytes": device.available_bytes,
                "memory_bandwidth": device.memory_bandwidth,
                "unified": device.unified,
                "source": device.source,
            }
            for device in host.devices
        ],
        "ram_bytes": host.ram_bytes,
        "ram_available_bytes": host.ram_available_bytes,
        "cpu_cores": host.cpu_cores,
        "os": host.os,
        "snapshot": snapshot(reading.document["snapshot"]),
    }


def snapshot(value: Freshness | None) -> SnapshotSummary | None:
    """The reading and its time. Without its age, so that the same question on the same reading gives the same bytes."""
    if value is None:
        return None
    return {
        "id": value["id"],
        "taken": value["taken"],
        "stale": value["stale"],
        "ok": value["ok"],
        "error": value["error"],
        "message": value["message"],
    }


def part(value: DeviceMemory) -> MemoryParts:
    return {
        "weights": value.weights,
        "kv": value.kv,
        "compute": value.compute,
        "overhead": value.overhead,
        "total": value.total,
    }


def overhead_range(device: Device) -> shapes.OverheadRange:
    figures = overhead_of(device)
    return {"low": figures.low, "high": figures.high, "source": figures.source}


def memory_document(plan: Plan, host: HostSpec) -> shapes.Memory:
    exact = bool(plan.build.sizes and plan.build.sizes.exact)
    return {
        "devices": [
            {
                "name": f"gpu{order}",
                "accelerator": index,  # index into hardware.accelerators
                "uuid": host.devices[index].uuid,
                "capacity": host.devices[index].memory_bytes,
                "available": host.devices[index].available_bytes,
                **part(device),
                "overhead_range": overhead_range(host.devices[index]),
                "margin": margin,
            }
            for order, (device, index, margin) in enumerate(
                zip(plan.memory.devices, plan.devices, plan.margins, strict=True)
            )
        ],
        "host": {
            **part(plan.memory.host),
            "capacity": host.ram_bytes,
            "available": host.ram_available_bytes,
            "margin": plan.host_margin,
        },
        "total": plan.memory.total,
        "computed_for": planners()[plan.engine].COMPUTED_FOR,
        "basis": "exact header" if exact else "computed",
        "error_bound_percent": ERROR_BOUND_PERCENT[exact],
    }


def speed_document(value: Speed) -> shapes.Speed:
    return {
        "decode_tokens_per_second": span(value.decode),
        "prefill_tokens_per_second": span(value.prefill),
        "first_token_seconds": span(value.first_token),
        "at_context": value.at_context,
        "basis": value.basis,
    }


def command(plan: Plan, path: str | None) -> list[str]:
    """The command line for a person to copy, with nothing left to "auto"; a launch builds its own, with a port.

    It serves the file at `path`, or fetches the published one. Empty where the engine was removed.
    """
    engine, build = adapters().get(plan.engine), plan.build
    if engine is None:
        return []
    elsewhere = NotHere(build.repo, build.quantization, f"{plan.model.slug}-{build.quantization}.gguf")
    settings = planners()[plan.engine].as_planned(plan.settings, plan.memory)
    try:
        return engine.argv(settings, model=path or elsewhere, alias=plan.model.slug)
    except ValueError:  # an editor of the catalog wrote a repository or a quantization that no command may hold
        return []


def build_files(build: BuildSpec) -> list[shapes.BuildFile]:
    return [
        {
            "path": file["path"],
            "bytes": file["bytes"],
            "sha256": file.get("sha256"),
            "revision": file.get("revision"),
            "url": file_url(build.repo, file) if build.repo else None,
        }
        for file in build.files
    ]


def plan_document(plan: Plan, host: HostSpec, path: str | None = None) -> shapes.Plan:
    build = plan.build
    return {
        "build": {
            "id": build.id,
            "format": build.format,
            "quantization": build.quantization,
            "repo": build.repo,
            "files": build_files(build),
            "bytes": build.bytes,
            "basis": build.basis,
            "on_disk": path is not None,
        },
        "engine": plan.engine,
        "placement": plan.placement,
        "settings": planners()[plan.engine].settings_document(plan.settings, plan.memory),
        "memory": memory_document(plan, host),
        "speed": speed_document(plan.speed),
        "command": command(plan, path),
    }


def result_document(value: Result, host: HostSpec, paths: Mapping[str, str], reasons: list[str]) -> shapes.Result:
    model, strength = value.plan.model, value.strength
    document: shapes.Result = {
        "rank": value.rank,
        "score": round(value.score, 2),
        "score_parts": {name: round(size, 4) for name, size in value.parts.items()},
        "pareto": value.pareto,
        "model": {
            "slug": model.slug,
            "name": model.name,
            "hub_id": model.hub_id,
            "licence": model.licence,
            "licence_name": model.licence_name,
            "licence_conditions": model.licence_conditions,
            "commercial": model.commercial,
            "released": model.released,
            "parameters_total": model.parameters_total,
            "parameters_active": model.parameters_active,
            "context_length": model.context_length,
        },
        **plan_document(value.plan, host, paths.get(value.plan.build.id)),
        "quality": {
            "score": round(strength.score, 1),
            "low": round(strength.low, 1),
            "high": round(strength.high, 1),
            "basis": strength.basis,
            "quantization_loss": round(value.quantization_loss, 2),
            "evidence": [
                {
                    "benchmark": e.benchmark,
                    "version": e.version,
                    "metric": e.metric,
                    "value": e.value,
                    "date": e.date,
                    "source": e.source,
                    "third_party": e.third_party,
                }
                for e in strength.evidence
            ],
        },
        "reasons": reasons,
    }
    if value.others:
        document["plans"] = [plan_document(plan, host, paths.get(plan.build.id)) for plan in value.others]
    return document


def rejection_document(value: Rejection) -> shapes.Rejected:
    """Bytes under `needed_bytes` and `available_bytes` where memory is the limit, else `needed` and `available`."""
    memory = value.reason in MEMORY_REASONS
    figures: shapes.Shortfall = (
        {} if memory or value.needed is None else {"needed": value.needed, "available": value.available}
    )
    return {
        "model": value.model,
        "build": value.build,
        "reason": value.reason,
        "needed_bytes": value.needed if memory else None,
        "available_bytes": value.available if memory else None,
        **figures,
        "fixes": [{"change": f.change, "from": f.from_, "to": f.to, "gives": gives(f)} for f in value.fixes],
    }
