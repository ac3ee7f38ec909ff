"""What a GGUF file on this machine is, by its own header: nobody's name for it decides anything."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.fit.build import Header, Tensor
from advisor.fit.engines.llama_cpp.tensor_sizes import summarise, to_json
from advisor.fit.quality.strength import tables
from advisor.intake.gguf_builds import FILE_TYPES, label
from catalog.gguf import GgufError, read_header

HUB_ID = re.compile(r"https://huggingface\.co/([^/\s]+/[^/\s]+?)/?")
DIGITS = 12  # hex digits of the header's checksum that name a file's build


@dataclass(frozen=True, slots=True)
class Identified:
    """`problem`: why it cannot be launched, one sentence, else empty. `sizes` is None where it is not weights."""

    kind: str = "weights"
    architecture: str = ""
    quantization: str = ""
    name: str = ""
    base: str = ""
    task: str = "generate"
    digest: str = ""
    sizes: dict[str, Any] | None = None
    problem: str = ""


def identify(paths: Sequence[Path], stem: str) -> Identified:
    """`paths` of all parts in order; `stem` is what the file is called, which may state its quantization."""
    try:
        headers = [read_header(path) for path in paths]
        digest = header_digest(paths[0], headers[0]["data_offset"])
    except (GgufError, OSError) as error:
        return Identified(problem=f"It is no complete GGUF file: {error}")
    kv = headers[0]["kv"]
    kind = kind_of(kv, stem)
    tensors = tuple(Tensor(t["name"], tuple(t["shape"]), t["type"]) for one in headers for t in one["tensors"])
    known = Identified(
        kind=kind,
        architecture=text(kv, "general.architecture")[:80],
        quantization=quantization_of(kv, stem, tensors),
        name=(text(kv, "general.name") or stem)[:200],
        base=base_of(kv)[:200],
        task="embedding" if kv.get(f"{text(kv, 'general.architecture')}.pooling_type") else "generate",
        digest=digest[:DIGITS],
    )
    if kind != "weights":
        return replaced(known, problem=f"It is a {kind}, which is loaded beside a model and serves nothing by itself.")
    try:
        sizes = summarise(Header(kv, tensors, headers[0]["n_vocab"]))
    except ValueError as error:
        least = sum(path.stat().st_size for path in paths) / 1e9
        bound = f"It needs {least:.1f} GB and its caches at the very least."
        return replaced(known, problem=f"Its memory cannot be worked out, so it is not launched: {error} {bound}")
    return replaced(known, sizes=to_json(sizes))


def replaced(known: Identified, **changed: Any) -> Identified:
    return Identified(**{name: getattr(known, name) for name in known.__slots__} | changed)


def header_digest(path: Path, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.sha256(file.read(size)).hexdigest()


def text(kv: dict[str, Any], key: str) -> str:
    value = kv.get(key)
    return value if isinstance(value, str) and value.isprintable() else ""


def kind_of(kv: dict[str, Any], stem: str) -> str:
    stated = text(kv, "general.type")
    if stated in ("mmproj", "projector") or text(kv, "general.architecture") in ("clip", "mmproj"):
        return "projector"
    if stated == "adapter" or "adapter.type" in kv:
        return "adapter"
    if stated == "imatrix" or re.search(r"imatrix", stem, re.IGNORECASE):
        return "adapter"
    return "weights"


def base_of(kv: dict[str, Any]) -> str:
    """The hub's id of the model that the file was made from."""
    for key in ("general.base_model.0.repo_url", "general.source.huggingface.repository", "general.source.repo_url"):
        stated = text(kv, key)
        if found := HUB_ID.fullmatch(stated):
            return found[1]
        if re.fullmatch(r"[\w.-]+/[\w.-]+", stated):
            return stated
    return ""


def quantization_of(kv: dict[str, Any], stem: str, tensors: tuple[Tensor, ...]) -> str:
    """By name, else by the header's own word, else by the type that most weights have; one that quality knows."""
    known = tables()["quantization"]
    stated = label(stem) or FILE_TYPES.get(kv.get("general.file_type"), "")
    counted: dict[str, int] = {}
    for tensor in tensors:
        size = 1
        for extent in tensor.shape:
            size *= extent
        counted[tensor.type] = counted.get(tensor.type, 0) + size
    most = max(counted, key=lambda kind: counted[kind], default="f16").upper()
    candidates = (stated.upper().replace("-", "_"), most, f"{most}_M", f"{most}_S")
    return next((one for one in candidates if one in known["loss"] or one in known["aliases"]), "Q4_0")
