"""Builds of a catalog model whose sizes are computed from the configuration alone, without a download."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from types import MappingProxyType
from typing import Any

import orjson

from advisor.fit.architectures.computed_header import header, headers
from advisor.fit.architectures.dimensions import UnknownLayout
from advisor.fit.architectures.parameter_check import check_parameters, settled
from advisor.fit.build import Header
from advisor.fit.engines.llama_cpp.tensor_sizes import summarise, to_json

GGUF = ("Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "F16")
NATIVE_MXFP4 = ("MXFP4", "F16")  # experts published in MXFP4 stay so in both; the rest differs
SOURCE = "llama.cpp b11434 tensor list and mix rule"

# native_dtype of the catalog -> name, bits per expert weight, bits per weight of other matrices (scales included).
# Embeddings, norms and everything else stay at 16 bits.
STORED = {
    "fp8": ("FP8", 8.0, 8.0),
    "int4 (experts) + bf16": ("INT4", 4.5, 16.0),
    "mxfp4 (experts) + bf16": ("MXFP4", 4.25, 16.0),
}

EMPTY: Mapping[str, Any] = MappingProxyType({})

Model = dict[str, Any]
Build = dict[str, Any]


def builds_of(
    model: Model, kept: list[Build], checkpoints: list[dict[str, Any]], published: Mapping[str, dict[str, Any]] = EMPTY
) -> list[Build]:
    """Builds for `catalog/data/builds/<slug>.json`: those read from files as they are, then the computed ones.

    Args:
        model: the content of `catalog/data/models/<slug>.json`.
        kept: builds of basis "exact" that the file already holds.
        checkpoints: rows of `catalog/data/checkpoints.json`, exact sizes of published safetensors.
        published: rows of `catalog/data/published_files.json` by their build's key.

    Raises:
        UnknownLayout: when nothing can be computed for this model.
    """
    architecture = agreed(model)
    names = NATIVE_MXFP4 if architecture.get("expert_type") == "mxfp4" else GGUF
    named = zip(names, headers(architecture, names), strict=True)
    computed = [_gguf(model, name, header) for name, header in named]
    computed += _safetensors(model, architecture, checkpoints)
    known = {build["key"] for build in kept}
    return kept + [with_files(build, published.get(build["key"])) for build in computed if build["key"] not in known]


def with_files(build: Build, row: dict[str, Any] | None) -> Build:
    """The build with the files under which a source has seen it published; without a row as it is.

    A row without files says that the repository lacks the build. Sizes of tensors stay computed.
    """
    if row is None:
        return build
    files = row["files"]
    sized, summed = (bool(files) and all(file[what] for file in files) for what in ("bytes", "sha256"))
    return {
        **build,
        "repo": row["repo"],
        "files": files,
        "bytes": sum(file["bytes"] for file in files) if sized else build["bytes"],
        "basis": "published" if sized and summed else build["basis"],
        "source": f"{build['source']}; files: {row['source']}, seen {row['seen']}",
    }


def agreed(model: Model) -> dict[str, Any]:
    """The model's configuration, checked against its published parameter count. Raises UnknownLayout."""
    architecture = settled(model["architecture"] or {}, model["parameters_total"])
    check_parameters(
        architecture,
        model["parameters_total"],
        tower=bool(architecture.get("vision")) or model["input_modalities"] != ["text"],
        explained=any(flag.startswith("mismatch explained") for flag in model["flags"]),
    )
    return architecture


def _gguf(model: Model, quantization: str, header: Header) -> Build:
    sizes = summarise(header)
    repos = model["gguf_repos"]
    return {
        "key": f"{model['slug']}:{quantization}",
        "format": "gguf",
        "quantization": quantization,
        "repo": repos[0] if repos else "",
        "files": [],
        "bytes": sizes.file_bytes,
        "basis": "computed",
        "sizes": to_json(sizes),
        "source": SOURCE,
    }


def _safetensors(model: Model, architecture: dict[str, Any], checkpoints: list[dict[str, Any]]) -> list[Build]:
    """The vendor's own checkpoint where it is not 16 bits wide: exact bytes if they were read, else computed."""
    if model["native_dtype"] not in STORED:
        return []
    name, expert_bits, matrix_bits = STORED[model["native_dtype"]]
    read = next((row for row in checkpoints if row["repo"] == model["hub_id"]), None)
    computed = stored_bytes(header(architecture, "F16"), expert_bits, matrix_bits)
    return [
        {
            "key": f"{model['slug']}:{name}:{model['hub_id']}",
            "format": "safetensors",
            "quantization": name,
            "repo": model["hub_id"],
            "files": [],
            "bytes": read["bytes"] if read else computed,
            "basis": "exact" if read else "computed",
            "sizes": None,
            "source": read["source"] if read else f"tensor list of the text model at {name} width",
        }
    ]


def stored_bytes(header: Header, expert_bits: float, matrix_bits: float) -> int:
    """Bytes of the text model's tensors with experts and other matrices at these widths, and 16 bits for the rest."""
    bits = 0.0
    for tensor in header.tensors:
        narrow = tensor.name.startswith("blk.") and tensor.type != "f32" and tensor.name.endswith(".weight")
        width = (expert_bits if "_exps." in tensor.name else matrix_bits) if narrow else 16.0
        bits += prod(tensor.shape) * width
    return int(bits / 8)


def encode(slug: str, builds: list[Build]) -> bytes:
    """The file's content, one line per build, so that changing a build changes one line."""
    lines = b",\n    ".join(orjson.dumps(build) for build in builds)
    return b'{\n  "slug": ' + orjson.dumps(slug) + b',\n  "builds": [\n    ' + lines + b"\n  ]\n}\n"


__all__ = ["UnknownLayout", "agreed", "builds_of", "encode", "stored_bytes"]
