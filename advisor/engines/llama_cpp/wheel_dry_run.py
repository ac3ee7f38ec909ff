"""`python -m advisor.engines.llama_cpp.wheel_dry_run`: the engine's own plan for a file, without allocating it.

JSON in: `{"model": path, "settings": as `fit.engines.llama_cpp.settings`, "seconds", "address_space"}`. JSON out, one
line: `{"build", "buffers": {"CPU": {"weights", "kv", "compute"}, ...}}`, or `{"build", "refused": sentence}`. A header
followed by a hole in place of the data is enough. A process of its own, which ends itself when its time is over: a
hostile file or an unexpected library may crash it, and the worker that asked may die first.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import sys
from typing import Any

from advisor.engines.llama_cpp import wheel_library as library
from advisor.engines.llama_cpp.adapter import BUFFER
from advisor.engines.llama_cpp.wheel_library import LibraryRefused

# ggml.h, enum ggml_type
KV_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "iq4_nl": 20, "bf16": 30}
FLASH = {None: -1, False: 0, True: 1}
LOAD_MODE_NONE = 0  # as launches run it; the engine's own dry run supports no other
ERROR = 4  # ggml.h, GGML_LOG_LEVEL_ERROR
ECHO = re.compile(r"^llama_context: (\w+) += (\S+)$", re.MULTILINE)
NO_ALLOC = re.compile(r"\bno_alloc += 1$", re.MULTILINE)


def limited(seconds: float, address_space: int) -> None:
    """Limit this process to `seconds` of life, whatever its parent does, and to `address_space` bytes of mappings."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))


def context_values(settings: dict[str, Any]) -> dict[str, Any]:
    """Fields of llama_context_params for our settings, as the server fills them (`tools/server/server-context.cpp`)."""
    everything = settings["embedding"] or settings["outputs"] == "lib"
    return {
        "n_ctx": settings["context"],
        "n_batch": settings["batch"],
        "n_ubatch": settings["ubatch"],
        "n_seq_max": settings["slots"],
        "n_outputs_max": 0 if everything else settings["slots"],
        "flash_attn_type": FLASH[settings["flash_attention"]],
        "type_k": KV_TYPES[settings["kv_type_k"]],
        "type_v": KV_TYPES[settings["kv_type_v"]],
        "embeddings": settings["embedding"],
        "swa_full": settings["swa_full"],
        "kv_unified": settings["unified"],
    }


def plan(model_path: str, settings: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Bytes by buffer. Raises LibraryRefused."""
    if settings["devices"]:
        raise LibraryRefused("The installed engine computes on the CPU only, so it cannot confirm a plan for devices.")
    engine = library.load_library(library.find_library())
    log: list[tuple[int, str]] = []
    keep = library.LOG(lambda level, text, _: log.append((level, text.decode(errors="replace"))))
    engine.llama_log_set(keep, None)
    engine.llama_backend_init()
    model_params = library.defaults(engine, "llama_model_default_params", library.ModelParams, library.MODEL)
    params = library.defaults(engine, "llama_context_default_params", library.ContextParams, library.CONTEXT)
    model_params.no_alloc, model_params.load_mode = True, LOAD_MODE_NONE
    asked = context_values(settings)
    for name, value in asked.items():
        setattr(params, name, value)
    model = engine.llama_model_load_from_file(os.fsencode(model_path), model_params)
    context = model and engine.llama_init_from_model(model, params)
    text = "".join(text for _, text in log)
    if not context:
        last = [line for level, line in log if level == ERROR][:1]
        raise LibraryRefused(
            f"The engine does not take this file: {''.join(last).strip()[:300] or 'it does not say why'}."
        )
    echoed(asked, text)
    return buffers(library.breakdown(engine, context), text)


def echoed(asked: dict[str, Any], text: str) -> None:
    """Verify against the engine's log that every parameter reached its field.

    A field at another offset would silently set a different parameter. Raises LibraryRefused.
    """
    said = dict(ECHO.findall(text))
    expected = {
        "n_seq_max": str(asked["n_seq_max"]),
        "kv_unified": str(asked["kv_unified"]).lower(),
        "n_ubatch": str(min(int(said.get("n_batch", 0)), asked["n_ubatch"])),
    }
    if asked["flash_attn_type"] != FLASH[None]:  # with auto, the log states the engine's own choice
        expected["flash_attn"] = "enabled" if asked["flash_attn_type"] else "disabled"
    for name, value in expected.items():
        if said.get(name) != value:
            raise LibraryRefused(
                f"The engine was asked for {name} = {value} and understood {said.get(name, 'nothing')}."
            )
    if not NO_ALLOC.search(text):
        raise LibraryRefused("The engine does not say that it only planned.")


def buffers(table: dict[str, tuple[int, int, int]], text: str) -> dict[str, dict[str, int]]:
    """The engine's breakdown in our terms.

    Output rows are missing from it and taken from the log, to a hundredth of a MiB. Raises LibraryRefused.
    """
    found = {
        name: {"weights": model, "kv": context, "compute": compute} for name, (model, context, compute) in table.items()
    }
    for line in BUFFER.finditer(text):
        size, name = round(float(line["mib"]) * (1 << 20)), line["where"]
        if line["what"] == "output":
            found[name]["compute"] += size
        elif line["what"] == "compute" and abs(table.get(name, (0, 0, 0))[2] - size) > 1 << 14:
            raise LibraryRefused(f"The engine's table and its log differ on the compute buffer of {name}.")
    return found


def main() -> None:
    request = json.loads(sys.stdin.buffer.read())
    limited(request["seconds"], request["address_space"])
    # Keep the library's own output off the stream that carries the answer.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    document: dict[str, Any] = {"build": library.build()}
    try:
        document["buffers"] = plan(request["model"], request["settings"])
    except LibraryRefused as refused:
        document["refused"] = str(refused)
    print(json.dumps(document), file=answer, flush=True)
    # Skip the engine's teardown: it is not needed, and is one more thing that can fail.
    os._exit(0)


if __name__ == "__main__":
    main()
