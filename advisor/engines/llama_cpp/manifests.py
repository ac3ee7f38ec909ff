"""Exports of a launch to run elsewhere: command line, compose file, systemd unit, Kubernetes manifest.

The flags are the launch's own; image, user and model folder are those of the target.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

IMAGE = "ghcr.io/ggml-org/llama.cpp:server"
PORT = 8080
ANYWHERE = "0.0.0.0"  # noqa: S104  (inside a container; what is published outside is said beside it)
NO_COMMAND = "# The command line is not known before the launch has been started once.\n"
Document = Mapping[str, Any]


def argv(launch: Document) -> str:
    """The command line of this machine, quoted for a shell."""
    return shlex.join(launch["command"]) + "\n" if launch["command"] else NO_COMMAND


def flags(launch: Document, *, model: str, host: str) -> list[str]:
    """The launch's flags with another model path, address and port, and without this machine's thread count."""
    words = list(launch["command"])
    words = words[words.index("--model") :]
    for flag, value in (("--model", model), ("--host", host), ("--port", str(PORT))):
        words[words.index(flag) + 1] = value
    at = words.index("-t")
    return words[:at] + words[at + 2 :]


def model_path(launch: Document) -> Path:
    return Path(launch["command"][launch["command"].index("--model") + 1])


def gpus(launch: Document) -> list[str]:
    return list(launch["predicted"].get("devices", {}))


def image(launch: Document) -> str:
    return IMAGE + ("-cuda" if gpus(launch) else "")


def quoted(words: list[str]) -> str:
    """A YAML flow sequence, which JSON is a subset of."""
    return json.dumps(words)


def compose(launch: Document) -> str:
    path = model_path(launch)
    text = f"""\
services:
  {launch["alias"].replace(".", "-")}:
    image: {image(launch)}
    command: {quoted(flags(launch, model=f"/models/{path.name}", host=ANYWHERE))}
    volumes: [{json.dumps(f"{path.parent}:/models:ro")}]
    ports: ["127.0.0.1:{PORT}:{PORT}"]
"""
    if gpus(launch):
        text += f"""\
    deploy:
      resources:
        reservations:
          devices: [{{driver: nvidia, device_ids: {quoted(gpus(launch))}, capabilities: [gpu]}}]
"""
    return text


def systemd(launch: Document) -> str:
    words = ["llama-server", *flags(launch, model=str(model_path(launch)), host="127.0.0.1")]
    # In a unit file a percent sign starts a specifier and a dollar sign a variable.
    line = " ".join(json.dumps(word).replace("%", "%%").replace("$", "$$") if " " in word else word for word in words)
    return f"""\
[Unit]
Description={launch["model"]} on {launch["engine"]}
After=network.target

[Service]
# The path of llama-server on that machine, and a user without other rights.
ExecStart=/usr/bin/env {line}
Environment=CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES={",".join(gpus(launch))}
DynamicUser=yes
Restart=on-failure

[Install]
WantedBy=multi-user.target
"""


def kubernetes(launch: Document) -> str:
    path, name = model_path(launch), launch["alias"].replace(".", "-").replace("_", "-")
    memory = -(-launch["predicted"]["host"]["total"] // (1 << 20))
    limits = f"memory: {memory}Mi" + (f", nvidia.com/gpu: {len(gpus(launch))}" if gpus(launch) else "")
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - name: engine
          image: {image(launch)}
          args: {quoted(flags(launch, model=f"/models/{path.name}", host=ANYWHERE))}
          ports: [{{containerPort: {PORT}}}]
          readinessProbe: {{httpGet: {{path: /health, port: {PORT}}}}}
          resources: {{requests: {{memory: {memory}Mi}}, limits: {{{limits}}}}}
          volumeMounts: [{{name: models, mountPath: /models, readOnly: true}}]
      volumes: [{{name: models, hostPath: {{path: {json.dumps(str(path.parent))}}}}}]
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  selector: {{app: {name}}}
  ports: [{{port: {PORT}}}]
"""


def told(text: Callable[[Document], str]) -> Callable[[Document], str]:
    return lambda launch: text(launch) if launch["command"] else NO_COMMAND


MANIFESTS: dict[str, Callable[[Document], str]] = {
    "argv": argv,
    "compose": told(compose),
    "systemd": told(systemd),
    "kubernetes": told(kubernetes),
}
