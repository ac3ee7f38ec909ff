"""Parser of hardware in words: "2x RTX 3090, 64 GB RAM" -> the `hardware` JSON of the API. `stated` resolves names."""

from __future__ import annotations

import re
from typing import Any

from hardware.other_words import CPU_NAME, THREADS, other
from hardware.processor_memory import processor_of
from hardware.ram_words import Ram, bandwidth, in_bytes, joined, take_ram
from hardware.reference import CORES, SIZE, candidates, entries, folded

EXAMPLE = 'for example "2x RTX 3090, 64 GB RAM" or "CPU only, 32 GB RAM, 8 cores"'
LONGEST = 400  # characters
COUNT_WORDS = {"dual": 2, "two": 2, "three": 3, "triple": 3, "four": 4, "quad": 4, "eight": 8}

SEPARATOR = re.compile(r"[,;\n]|\s[+&/|]\s|(?<!max)\+(?=[a-z0-9])|\band\b|\bwith\b(?!out)")
_LABELS = r"gpus?|graphics(?:\s+cards?)?|video\s+cards?|vga|accelerators?|cpus?|processors?"
LABEL = re.compile(rf"^(?:{_LABELS})\s*(?:\d\s*)?[:=]\s*")
VRAM_ALONE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(gb|gib|g|tb)\s*(?:of\s+)?(?:gpu\s+|video\s+)?(?:vram|ram|memory)?")
# What a card's memory is made of distinguishes no card.
MEMORY_KIND = re.compile(r"\b(?:gddr\d?x?|hbm\d?e?)\b")
WHOLE_SIZE = re.compile(r"(?<![\w.])(\d{1,6}(?:\.\d{1,3})?)\s*(gb|gib|tb|tib)(?![a-z0-9])")  # "5600G" is a processor
BANDWIDTH = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(gb|tb)(?:\s*/\s*s|ps)\b")
CPU_CORES = re.compile(r"(\d{1,6})[\s-]*(?:cpu[\s-]*)?(?:cores?|threads|vcpus?)")
NO_GPU = re.compile(r"\b(?:cpu[\s-]*only|no\s+gpus?|without\s+(?:a\s+)?gpus?|no\s+graphics\s+card)\b")
GPU_WORD = re.compile(r"\b(?:rtx|gtx|rx|geforce|radeon|arc)\b")
COUNT_FIRST = re.compile(r"^(\d{1,3})\s*[x×*]\s*(?=\S)|^(\d{1,2})\s+(?=[a-z](?!b\b|ib\b))")
COUNT_LAST = re.compile(r"(?:\s|(?<=\d))[x×*]\s*(\d{1,3})$")  # the x in "rx 580" or "max 390" is no multiplier


class HardwareText(ValueError):
    """The text cannot be parsed as hardware; the message is one sentence for a person."""


def parse_text(text: str) -> dict[str, Any]:
    """`{"accelerators": [{"name", "count", "memory_bytes"}], "ram_bytes", "cpu_cores"}`, None where not stated.

    A size beside a GPU's name is that GPU's memory; a size alone, or with the words of the host's memory, is the
    host's, and its type, speed and channels, or "460 GB/s" alone, add `ram_bandwidth`. "900 GB/s" beside the name adds
    `memory_bandwidth` to the GPU. `notes` are sentences on what was assumed or left out. Raises HardwareText.
    """
    if not text.strip() or len(text) > LONGEST:
        raise HardwareText(f"text must name GPUs and RAM in at most {LONGEST} characters, {EXAMPLE}.")
    result: dict[str, Any] = {"accelerators": [], "ram_bytes": None, "cpu_cores": None}
    notes: list[str] = []
    memory, cpu = Ram(), None
    cpu_only = False
    for part in SEPARATOR.split(one_name(folded(text))):
        rest, ram = take_ram(LABEL.sub("", part.strip(" .:+")))
        cpu_only = cpu_only or bool(NO_GPU.search(rest))
        rest = NO_GPU.sub(" ", rest).strip()
        cores = CPU_CORES.fullmatch(rest)
        is_cpu, beside, named_cores = (False, None, None) if cores else take_processor(rest)
        if cores or named_cores:
            result["cpu_cores"] = int(cores[1]) if cores else named_cores
        for said in (ram, beside):
            if said and said.size is not None and memory.size is not None:
                raise HardwareText("text states the RAM twice; state it once.")
            memory = joined(memory, said)
        cpu = (processor_of(rest) if is_cpu else None) or cpu
        if not rest or cores or is_cpu:
            continue
        if not candidates(rest)[0] and not GPU_WORD.search(rest) and other(rest):
            notes.append(f"Not needed, and left out: {as_written(rest, text)!r}.")
            continue
        if result["accelerators"] and (size := VRAM_ALONE.fullmatch(rest)):
            own_memory(result, in_bytes(size[1], size[2]))
            continue
        found = accelerator(rest)
        result["accelerators"].append(found | {"name": as_written(found["name"], text)})
    shared = result.pop("shared", 0)
    result["ram_bytes"] = None if memory.size is None else memory.size + shared
    speed, told = bandwidth(memory, cpu)
    if speed:
        result["ram_bandwidth"] = speed
    if notes := [*notes, *([told] if told else [])]:
        result["notes"] = notes
    if cpu_only and result["accelerators"]:
        raise HardwareText(f"text says that there is no GPU and names {result['accelerators'][0]['name']!r}; say one.")
    if not result["accelerators"] and result["ram_bytes"] is None:
        raise HardwareText(f"text names no GPU and no RAM; write {EXAMPLE}.")
    return result


def one_name(text: str) -> str:
    """What drivers write with a stroke although it is one card."""
    text = re.sub(r"\b(?:mobile\s*/\s*max-q|(?:with\s+)?max-q(?:\s+design)?)(?![a-z])", "laptop", text)
    return re.sub(r"\b(?:instinct\s+)?mi60\s*/\s*(?:instinct\s+)?mi50\b", "mi60", text)


def own_memory(result: dict[str, Any], size: int) -> None:
    """ "12 GB VRAM" in a part of its own belongs to the card before. What firmware has set aside of a unified device's
    memory counts into the one pool that processor and GPU share.
    """
    last = result["accelerators"][-1]
    if any(entry.get("unified") for entry in candidates(last["name"])[0]):
        result["shared"] = size
    else:
        last["memory_bytes"] = last["memory_bytes"] or size


def take_processor(part: str) -> tuple[bool, Ram | None, int | None]:
    """Whether this part is a CPU's name, with the RAM and the cores that are written beside it."""
    if not CPU_NAME.search(part) or candidates(part)[0]:
        return False, None, None
    if GPU_WORD.search(part):
        raise HardwareText(f"text has {part!r}; put commas between processor, GPU and RAM.")
    size, cores = WHOLE_SIZE.search(part), CPU_CORES.search(part) or THREADS.search(part)
    return True, Ram(in_bytes(size[1], size[2])) if size else None, int(cores[1]) if cores else None


def accelerator(part: str) -> dict[str, Any]:
    """`{"name", "count", "memory_bytes"[, "memory_bandwidth"]}` of one part such as "2x rtx 3060 12gb"."""
    count, more = 1, {}
    part = " ".join(MEMORY_KIND.sub(" ", part).split())
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
    if size and re.fullmatch(r"(?:\W|vram|video|memory|ram|of)*", name):
        raise HardwareText(f"text has {size[0]} of a GPU's memory without the GPU's name; say which{of_size(size[1])}.")
    # "8000" is a speed, a price or a year as often as a card; "4090" is nothing else.
    if not name or not re.search(r"[a-z0-9]", CORES.sub(" ", name)) or re.fullmatch(r"\d{1,3}|\d*000|\d{5,}", name):
        raise HardwareText(f"text has {part.strip()!r}, which names no GPU; write {EXAMPLE}.")
    return {"name": name, "count": count, "memory_bytes": in_bytes(size[1], "gb") if size else None, **more}


def of_size(gib: str) -> str:
    """Some cards with that memory, as a hint."""
    sold = [
        entry["name"] for entry in entries() if entry["memory_gib"] == [round(float(gib))] and not entry.get("rare")
    ]
    known = sorted(sold, key=lambda name: not name.startswith(("GeForce RTX", "RTX", "Radeon RX", "RX")))
    return f", such as {', '.join(known[:3])}" if known else ""


def as_written(name: str, text: str) -> str:
    """The name in the user's own spelling, if it occurs contiguously in the text."""
    found = re.search(r"\s+".join(map(re.escape, name.split())), text, re.IGNORECASE)
    return found[0] if found else name
