"""Payloads in every text that a page shows, put there past all checks, as an old row or another program would."""

from __future__ import annotations

from typing import Any

import orjson

from advisor.launch.engine_process import log_path
from advisor.models import Launch, LaunchEvent
from catalog import version
from catalog.models import Benchmark, Evidence, Licence, Model
from catalog.seed import DATA
from hardware.models import Host, Snapshot
from tests.security.payloads import PAYLOADS

XSS = [word for word in (*PAYLOADS["markup"], *PAYLOADS["url"]) if "\0" not in word]
SCRIPTS = [word for word in XSS if word.startswith(("<s", "<i", '"', "'"))]


def spoil(row: Any, *names: str, start: int = 0) -> None:
    """Each field of the row as full of payloads as it can be."""
    for number, name in enumerate(names, start):
        room, words = row._meta.get_field(name).max_length or 10_000, ""
        for word in XSS[number * 3 :] + XSS:
            words += word if len(words + word) <= room else ""
        row._meta.model.objects.filter(pk=row.pk).update(**{name: words})


def spoil_everything() -> None:
    model = Model.objects.get(slug="one")
    spoil(model, "name", "hub_id", "organisation", "family", "native_dtype", "ollama_tag")
    sources = {"sources": XSS, "released": XSS[0], "abilities": XSS[8], "architecture": XSS[2]}
    Model.objects.update(
        flags=XSS, languages=XSS, provenance=sources, parameters_total=134_515_008, context_length=131_072
    )
    spoil(Licence.objects.get(), "name", "conditions")
    Licence.objects.update(url=PAYLOADS["url"][33])
    spoil(Benchmark.objects.get(), "name", "version", "metric", "measures", "url")
    spoil(Evidence.objects.get(), "variant", "source", "source_licence")
    build = model.builds.get()
    real = orjson.loads((DATA / "builds" / "smollm2-135m-instruct.json").read_bytes())["builds"][0]
    model.builds.update(sizes=real["sizes"], bytes=real["bytes"])
    spoil(build, "repo", "source", start=4)
    for host in Host.objects.all():
        spoil(host, "name")
    reading = Snapshot.objects.get(host_id="local")
    card = {"error": None, "vendor": "nvidia", "kind": "gpu", "memory_total": 24 << 30, "memory_free": 24 << 30}
    reading.data["accelerators"] = [
        card | {"uuid": f"GPU-{number}", "name": word[:160], "memory_bandwidth": 10**12}
        for number, word in enumerate(SCRIPTS[:6])
    ]
    reading.data["memory"]["cpu_name"] = "".join(SCRIPTS)[:200]
    reading.message = "".join(SCRIPTS)
    reading.save()
    launch = Launch.objects.get()
    spoil(launch, "model", "build", "engine", "alias", "message", "reason")
    Launch.objects.update(command=["llama-server", *XSS])
    LaunchEvent.objects.create(launch=launch, from_status="queued", to_status="failed", note="".join(XSS))
    log = log_path(launch.pk)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("\n".join(XSS))
    version.advance("spoilt")  # an update tells nobody, and a process keeps what it has read
