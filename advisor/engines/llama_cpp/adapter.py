"""The llama.cpp adapter: `llama-server`, or the same server from the xllamacpp wheel.

Flags and log lines as of build b11434.
"""

from __future__ import annotations

import re
from typing import Any

from advisor.engines.base import NotHere
from advisor.engines.llama_cpp.manifests import MANIFESTS
from advisor.fit.engines.llama_cpp.settings import KV_TYPES, Settings

__all__ = ["MANIFESTS"]

NAME = "llama.cpp"
FORMATS = ("gguf",)
# Ways to run it, the first one found is used: `setting` names a Django setting with a path, `module` is run by our
# interpreter, and `dry_run` is a module that reports the engine's own plan.
PROGRAMS: tuple[dict[str, Any], ...] = (
    {"name": "llama-server", "setting": "LLAMA_SERVER", "binary": "llama-server"},
    {
        "name": "xllamacpp",
        "module": "advisor.engines.llama_cpp.wheel_server",
        "dry_run": "advisor.engines.llama_cpp.wheel_dry_run",
        "requires": "xllamacpp",
        "accelerators": False,
    },
)
HEALTH = "/health"
MODELS = "/v1/models"
CHAT = "/v1/chat/completions"
FLASH_ATTENTION = {True: "on", False: "off", None: "auto"}
REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,250}\.gguf")
QUANTIZATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
BLOB = re.compile(r"/sha256-[0-9a-f]{64}\Z")  # as Ollama names the GGUF files that it keeps
ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,159}")
UUID = re.compile(r"(GPU|MIG)-[0-9A-Za-z/-]{1,100}")
AMD_UUID = re.compile(r"GPU-[0-9a-f]{16}")
# Ids of devices that no variable names: an Apple GPU, and one that has only its address on the bus.
ONLY_ONE = re.compile(r"Metal-\d+|PCI-[0-9a-f:.]+")


def argv(
    settings: Settings,
    *,
    binary: str = "llama-server",
    model: str | NotHere,
    alias: str,
    host: str = "127.0.0.1",
    port: int | None = None,
    threads: int | None = None,
) -> list[str]:
    """The command line that states the whole plan, so that nothing is left to the engine's defaults.

    Raises ValueError, one sentence, for a value not allowed on a command line.
    """
    check(settings, model, alias, port, threads)
    words = [binary, *model_words(model), "--alias", alias, "--host", host]
    words += ["--port", str(port)] if port is not None else []
    words += ["-c", str(settings.context), "-np", str(settings.slots)]
    words += ["--kv-unified" if settings.unified else "--no-kv-unified"]
    words += ["-b", str(settings.batch), "-ub", str(settings.ubatch)]
    words += ["-ngl", str(settings.gpu_layers), "-fa", FLASH_ATTENTION[settings.flash_attention]]
    words += ["-ctk", settings.kv_type_k, "-ctv", settings.kv_type_v]
    if settings.experts_on_cpu:
        words += ["--n-cpu-moe", str(settings.experts_on_cpu)]
    if settings.devices == 0:
        # Otherwise a GPU outside the plan gets a context and the matrices of long prompts.
        words += ["--device", "none"]
    if settings.tensor_split:
        words += ["-ts", ",".join(f"{share:g}" for share in settings.tensor_split)]
    words += ["--no-kv-offload"] if not settings.kv_offload else []
    words += ["--swa-full"] if settings.swa_full else []
    words += ["--embedding"] if settings.embedding else []
    words += ["-t", str(threads)] if threads is not None else []
    return words + list(FIXED)


def model_words(model: str | NotHere) -> list[str]:
    """A file, or what the engine fetches: without the projector that it would load beside it and that no plan holds."""
    if isinstance(model, NotHere) and model.repo:
        return ["-hf", f"{model.repo}:{model.quantization}", "--no-mmproj"]
    return ["--model", model.file_name if isinstance(model, NotHere) else model]


FIXED = (
    # Placement is already planned; the engine's own fitting would silently shrink context or layers.
    *("--fit", "off"),
    # Weights in private memory: with mmap they are page cache, counted once for two processes, dropped and read again
    # under pressure, and held twice where the engine repacks them. The prediction needs one meaning.
    "--no-mmap",
    # By default the prompt cache may grow to 8192 MiB of host memory, and every context checkpoint (32 a slot) is a
    # copy of the sliding-window or recurrent state. Neither is in the plan, so both are off.
    *("--cache-ram", "0"),
    *("--ctx-checkpoints", "0"),
    "--metrics",
    "--no-webui",
    # Level 4 logs the size of each buffer (3, the default, does not); prompts are not logged below 5.
    *("-lv", "4"),
)


def check(settings: Settings, model: str | NotHere, alias: str, port: int | None, threads: int | None) -> None:
    whole = {
        "context": (settings.context, 1, 1 << 27),
        "slots": (settings.slots, 1, 1024),
        "batch": (settings.batch, 1, 1 << 20),
        "ubatch": (settings.ubatch, 1, 1 << 20),
        "gpu_layers": (settings.gpu_layers, 0, 10_000),
        "experts_on_cpu": (settings.experts_on_cpu, 0, 10_000),
        "devices": (settings.devices, 0, 64),
        "port": (1 if port is None else port, 1, 65535),
        "threads": (1 if threads is None else threads, 1, 4096),
    }
    for name, (value, low, high) in whole.items():
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"{name} must be a whole number from {low} to {high}, not {value!r}.")
    for name, word in (("kv_type_k", settings.kv_type_k), ("kv_type_v", settings.kv_type_v)):
        if word not in KV_TYPES:
            raise ValueError(f"{name} must be one of {', '.join(KV_TYPES)}, not {word!r}.")
    for share in settings.tensor_split or ():
        if not isinstance(share, int | float) or not 0 <= share < float("inf"):
            raise ValueError(f"tensor_split must hold numbers not below 0, not {share!r}.")
    if settings.override:
        raise ValueError("override is for estimates only and is never launched.")
    if not ALIAS.fullmatch(alias):
        raise ValueError(f"alias must be letters, digits, dots, dashes, colons and underscores, not {alias!r}.")
    if isinstance(model, NotHere):
        words = (REPO, model.repo or "a/b"), (QUANTIZATION, model.quantization), (FILE, model.file_name)
        for pattern, word in words:
            if not pattern.fullmatch(word):
                raise ValueError(f"{word!r} is no repository, quantization or file name for a command line.")
    elif not model.startswith("/") or "\0" in model or not (model.endswith(".gguf") or BLOB.search(model)):
        raise ValueError(f"model must be the absolute path of a .gguf file, not {model!r}.")


def env(device_uuids: list[str], launch_id: str) -> dict[str, str]:
    """Variables added to the child's environment: the GPUs it may see, by UUID, and the marker that identifies it.

    Raises ValueError, one sentence, for devices that cannot be told to the engine.
    """
    if len(device_uuids) == 1 and ONLY_ONE.fullmatch(device_uuids[0]):
        seen = {}
    elif all(UUID.fullmatch(uuid) for uuid in device_uuids):
        # CUDA orders devices fastest first, NVML by bus: only UUIDs mean the same to both. Empty hides every GPU.
        amd = bool(device_uuids) and all(AMD_UUID.fullmatch(uuid) for uuid in device_uuids)
        seen = {"ROCR_VISIBLE_DEVICES" if amd else "CUDA_VISIBLE_DEVICES": ",".join(device_uuids)}
        seen |= {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    else:
        raise ValueError(f"llama.cpp cannot be told to use just {', '.join(map(repr, device_uuids))} of this machine.")
    return {
        "BERTH_LAUNCH_ID": launch_id,
        **seen,
        # The server has no API key and would answer any web page open in a browser on this machine. A variable and not
        # a flag, because builds that do not know it still start.
        "LLAMA_ARG_CORS_ORIGINS": "localhost",
    }


def filling_tokens(settings: Settings) -> int:
    """The prompt length that fills one batch.

    The kernel commits memory at first touch, and the first full batch touches a whole compute buffer.
    """
    return 0 if settings.embedding else max(0, min(settings.ubatch, settings.context // settings.slots - 64))


# `load_tensors:        CUDA0 model buffer size =  4403.49 MiB`; the same for KV, RS (recurrent state), output, compute.
BUFFER = re.compile(
    r":[ \t]+(?P<where>[A-Za-z][\w:.]*)[ \t]+(?P<what>model|KV|RS|output|compute)"
    r" buffer size =[ \t]+(?P<mib>\d+\.\d+) MiB"
)
PARTS = {"model": "weights", "KV": "kv", "RS": "kv", "output": "compute", "compute": "compute"}
ON_HOST = re.compile(r"CPU|.*_Host$|Host")


def buffers(log: str) -> dict[str, dict[str, int]]:
    """Bytes allocated according to the engine's log: `{"host" or "CUDA0": {"weights", "kv", "compute"}}`.

    A compute buffer is logged again when it grows, so the last line of a place counts; weights and caches add up.
    """
    found: dict[str, dict[str, int]] = {}
    compute: dict[tuple[str, str], int] = {}
    for line in BUFFER.finditer(log):
        size = round(float(line["mib"]) * (1 << 20))
        place = "host" if ON_HOST.match(line["where"]) else line["where"]
        sizes = found.setdefault(place, {"weights": 0, "kv": 0, "compute": 0})
        if line["what"] in ("output", "compute"):
            size -= compute.get((line["where"], line["what"]), 0)
            compute[line["where"], line["what"]] = compute.get((line["where"], line["what"]), 0) + size
        sizes[PARTS[line["what"]]] += size
    return found


# Causes of an exit, the first match in the log's tail counts: pattern, reason, sentence.
CAUSES: tuple[tuple[str, str, str], ...] = (
    (
        r"CUDA error: out of memory|cudaMalloc failed: out of memory|allocate CUDA\d* buffer|ErrorOutOfDeviceMemory",
        "oom_gpu",
        "The GPU ran out of memory while the model was loading.",
    ),
    (
        r"std::bad_alloc|failed to allocate (\d+ bytes|.*buffer of size)|allocate CPU\w* buffer|insufficient memory",
        "oom_host",
        "The machine's memory was not enough for the model.",
    ),
    (r"couldn't bind HTTP server socket|[Aa]ddress already in use", "port", "Another program took the port."),
    (
        r"invalid argument: |unrecognized arguments|error while handling argument",
        "flags",
        "This build of the engine does not know a flag that the plan needs.",
    ),
    (
        r"error loading model|failed to load model|unknown model architecture|invalid magic",
        "model",
        "The engine could not read the model file.",
    ),
)
