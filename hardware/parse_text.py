"""Parser of hardware in words: "2x RTX 3090, 64 GB RAM" -> the `hardware` JSON of the API. `stated` resolves names."""

from __future__ import annotations

import re
from typing import Any

from hardware.reference import CORES, GIB, SIZE, candidates, folded

EXAMPLE = 'for example "2x RTX 3090, 64 GB RAM" or "CPU only, 32 GB RAM, 8 cores"'
LONGEST = 400  # characters
COUNT_WORDS = {"dual": 2, "two": 2, "three": 3, "triple": 3, "four": 4, "quad": 4, "eight": 8}

SEPARATOR = re.compile(r"[,;\n]|\s[+&/|]\s|\band\b|\bwith\b(?!out)")
RAM = re.compile(
    r"(\d{1,6}(?:\.\d{1,3})?)\s*(gb|gib|g|tb|tib)\s*(?:of\s+)?(?:system\s+|main\s+)?(?:ram\b|memory\b|ddr\d\w*)"
)
RAM_FIRST = re.compile(r"\b(?:ram|memory)\s*:?\s*(\d{1,6}(?:\.\d{1,3})?)\s*(gb|gib|g|tb|tib)\b")
BARE_SIZE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(gb|gib|g|tb|tib)")
BANDWIDTH = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(gb|tb)(?:\s*/\s*s|ps)\b")
CPU_CORES = re.compile(r"(\d{1,6})[\s-]*(?:cpu[\s-]*)?(?:cores?|threads|vcpus?)")
NO_GPU = re.compile(r"\b(?:cpu[\s-]*only|no\s+gpus?|without\s+(?:a\s+)?gpus?|no\s+graphics\s+card)\b")
CPU_NAME = re.compile(r"\b(?:ryzen\s+\d|ryzen\s+threadripper|threadripper|epyc|xeon|core\s+(?:i\d|ultra)|i[3579]-\d+)")
GPU_WORD = re.compile(r"\b(?:rtx|gtx|rx|geforce|radeon|arc)\b")
COUNT_FIRST = re.compile(r"^(\d{1,3})\s*[x×*]\s*(?=\S)|^(\d{1,2})\s+(?=[a-z](?!b\b|ib\b))")
COUNT_LAST = re.compile(r"(?:\s|(?<=\d))[x×*]\s*(\d{1,3})$")  # the x in "rx 580" or "max 390" is no multiplier


class HardwareText(ValueError):
    """The text cannot be parsed as hardware; the message is one sentence for a person."""


def parse_text(text: str) -> dict[str, Any]:
    """`{"accelerators": [{"name", "count", "memory_bytes"}], "ram_bytes", "cpu_cores"}`, None where not stated.

    A size beside a GPU's name is that GPU's memory; a size alone, or with "RAM", is the host's. "900 GB/s" beside the
    name adds `memory_bandwidth` to the GPU. Raises HardwareText.
    """
    if not text.strip() or len(text) > LONGEST:
        raise HardwareText(f"text must name GPUs and RAM in at most {LONGEST} characters, {EXAMPLE}.")
    result: dict[str, Any] = {"accelerators": [], "ram_bytes": None, "cpu_cores": None}
    cpu_only = False
    for part in SEPARATOR.split(folded(text)):
        rest, ram = take_ram(part.strip(" .:+"))
        if ram is not None:
            if result["ram_bytes"] is not None:
                raise HardwareText("text states the RAM twice; state it once.")
            result["ram_bytes"] = ram
        cpu_only = cpu_only or bool(NO_GPU.search(rest))
        rest = NO_GPU.sub(" ", rest).strip()
        cores = CPU_CORES.fullmatch(rest)
        if cores:
            result["cpu_cores"] = int(cores[1])
        elif rest and not processor(rest):
            found = accelerator(rest)
            result["accelerators"].append(found | {"name": as_written(found["name"], text)})
    if cpu_only and result["accelerators"]:
        raise HardwareText(f"text says that there is no GPU and names {result['accelerators'][0]['name']!r}; say one.")
    if not result["accelerators"] and result["ram_bytes"] is None:
        raise HardwareText(f"text names no GPU and no RAM; write {EXAMPLE}.")
    return result


def processor(part: str) -> bool:
    """Whether this part is a CPU's name, which the fit does not need."""
    if not CPU_NAME.search(part) or candidates(part)[0]:
        return False
    if SIZE.search(part) or GPU_WORD.search(part):
        raise HardwareText(f"text has {part!r}; put commas between processor, GPU and RAM.")
    return True


def in_bytes(number: str, unit: str) -> int:
    """Bytes of a size. Memory is sold in binary units whatever the label: "64 GB" is 64 GiB."""
    return int(float(number) * (1024 * GIB if unit.startswith("t") else GIB))


def take_ram(part: str) -> tuple[str, int | None]:
    """The part without its RAM size, and that size in bytes, or None."""
    for pattern in (RAM, RAM_FIRST):
        found = pattern.search(part)
        if found:
            return (part[: found.start()] + " " + part[found.end() :]).strip(), in_bytes(found[1], found[2])
    bare = BARE_SIZE.fullmatch(part)
    return ("", in_bytes(bare[1], bare[2])) if bare else (part, None)


def accelerator(part: str) -> dict[str, Any]:
    """`{"name", "count", "memory_bytes"[, "memory_bandwidth"]}` of one part such as "2x rtx 3060 12gb"."""
    count, more = 1, {}
    if speed := BANDWIDTH.search(part):
        more = {"memory_bandwidth": int(float(speed[1]) * (10**12 if speed[2] == "tb" else 10**9))}
        part = BANDWIDTH.sub(" ", part).strip()
    first, _, others = part.partition(" ")
    if first in COUNT_WORDS:
        count, part = COUNT_WORDS[first], others
    elif found := COUNT_FIRST.search(part):
        count, part = int(found[1] or found[2]), part[found.end() :]
    elif found := COUNT_LAST.search(part):
        count, part = int(found[1]), part[: found.start()]
    size = SIZE.search(part)
    # Keep the number of GPU cores in the name: it distinguishes one M3 Max from another.
    name = " ".join(SIZE.sub(" ", part).split()) if size else part.strip()
    if not name or not re.search(r"[a-z0-9]", CORES.sub(" ", name)):
        raise HardwareText(f"text has {part.strip()!r}, which names no GPU; write {EXAMPLE}.")
    return {"name": name, "count": count, "memory_bytes": in_bytes(size[1], "gb") if size else None, **more}


def as_written(name: str, text: str) -> str:
    """The name in the user's own spelling, if it occurs contiguously in the text."""
    found = re.search(r"\s+".join(map(re.escape, name.split())), text, re.IGNORECASE)
    return found[0] if found else name
