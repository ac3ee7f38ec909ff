"""Builds from GGUF files, exact to the byte: the headers state the size of each tensor."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from advisor.fit.build import Header, Tensor
from advisor.fit.engines.llama_cpp.tensor_sizes import summarise, to_json
from advisor.intake.check import ImportRefused

SHARD = re.compile(r"(?P<stem>.+?)(-(?P<number>\d{5})-of-(?P<count>\d{5}))?\.gguf")
LABEL = re.compile(
    r"(?:^|[-_.])((?:I?Q\d(?:_[A-Z0-9]+)*|TQ\d_\d|BF16|F16|FP16|F32|MXFP4(?:_MOE)?|NVFP4))$", re.IGNORECASE
)
NOT_WEIGHTS = re.compile(r"(^|[-_./])(mmproj|imatrix)", re.IGNORECASE)
NAMES = {"FP16": "F16", "MXFP4_MOE": "MXFP4"}
# general.file_type of a header (`include/llama.h`, enum llama_ftype), used where the file's name says nothing.
FILE_TYPES = {
    **{0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S"},
    **{12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 25: "IQ4_NL"},
    **{30: "IQ4_XS", 32: "BF16", 38: "MXFP4"},
}
SAME_MODEL = 0.03  # tolerance, as a share of the catalog's parameter count


@dataclass(frozen=True, slots=True)
class Set:
    """The files of one build, in order."""

    quantization: str | None
    paths: tuple[str, ...]


def sets(paths: Iterable[str]) -> list[Set]:
    """GGUF files grouped by build; projectors, importance matrices and sets with a missing shard are left out."""
    groups: dict[tuple[str, int], list[str]] = {}
    for path in sorted(paths):
        found = SHARD.fullmatch(path)
        if found and not NOT_WEIGHTS.search(path):
            groups.setdefault((found["stem"], int(found["count"] or 1)), []).append(path)
    return [Set(label(stem), tuple(files)) for (stem, count), files in groups.items() if len(files) == count]


def label(stem: str) -> str | None:
    """The quantization at the end of a file's name, in the catalog's spelling, or None."""
    found = LABEL.search(stem)
    return NAMES.get(found[1].upper(), found[1].upper()) if found else None


def exact(
    model: dict[str, Any],
    quantization: str | None,
    files: Sequence[dict[str, Any]],
    headers: Sequence[dict[str, Any]],
    *,
    repo: str,
    source: str,
) -> dict[str, Any]:
    """The row of one build.

    Args:
        model: slug, parameters_total and architecture as in the catalog.
        files: `{"path", "bytes", "sha256"}` in order of shards; `headers` as `catalog.gguf.read_header` gives them.

    Raises:
        ImportRefused: when the headers are of another model, or name no quantization.
    """
    kv = headers[0]["kv"]
    name = quantization or FILE_TYPES.get(kv.get("general.file_type"))
    if name is None:
        raise ImportRefused(f"Neither the name nor the header of {files[0]['path']} says its quantization; state it.")
    tensors = tuple(Tensor(t["name"], tuple(t["shape"]), t["type"]) for header in headers for t in header["tensors"])
    try:
        sizes = summarise(Header(kv, tensors, headers[0]["n_vocab"]))
    except ValueError as error:
        raise ImportRefused(f"{files[0]['path']} is refused: {error}") from error
    beside = (model["architecture"] or {}).get("vision_params") or 0  # the vision tower is a separate file
    known = (model["parameters_total"] or 0) - beside
    if known > 0 and abs(sizes.parameters / known - 1) > SAME_MODEL:
        raise ImportRefused(
            f"{files[0]['path']} is of another model: it has {sizes.parameters:,} parameters, not {known:,}."
        )
    return {
        "key": ":".join(part for part in (model["slug"], name, repo) if part),
        "model__slug": model["slug"],
        "format": "gguf",
        "quantization": name,
        "repo": repo,
        "files": list(files),
        "bytes": sum(file["bytes"] for file in files),
        "basis": "exact",
        "sizes": to_json(sizes),
        "source": source,
    }
