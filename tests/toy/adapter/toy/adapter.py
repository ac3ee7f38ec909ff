"""The smallest adapter that can be launched: one program, two flags, and a server that answers as others do."""

from __future__ import annotations

from typing import Any

NAME = "toy"
FORMATS = ("gguf",)
PROGRAMS = ({"name": "toy-server", "setting": "TOY_SERVER", "binary": "toy-server"},)
HEALTH, MODELS, CHAT = "/health", "/v1/models", "/v1/chat/completions"
CAUSES = (("boom", "exited", "The toy broke."),)


def argv(settings: Any, *, model: str, alias: str, port: int | None = None, **_: Any) -> list[str]:
    words = ["toy-server", "--model", model, "--alias", alias, "--window", str(settings.window)]
    return words + (["--port", str(port)] if port is not None else [])


def env(device_uuids: list[str], launch_id: str) -> dict[str, str]:
    return {"BERTH_LAUNCH_ID": launch_id, "CUDA_VISIBLE_DEVICES": ",".join(device_uuids)}


def buffers(log: str) -> dict[str, dict[str, int]]:
    return {}


def filling_tokens(settings: Any) -> int:
    return 16


MANIFESTS = dict.fromkeys(("argv", "compose", "systemd", "kubernetes"), lambda launch: " ".join(launch["command"]))
