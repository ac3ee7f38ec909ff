"""Reference specs of accelerators, looked up by the names that people and drivers write.

The facts are in `data/*.json`. A name matches when its letters and digits equal those of an entry, an NVML name or an
alias, after words that distinguish nothing ("NVIDIA", "GeForce", "GPU") are dropped; never by substring, so "4090" is
neither "4090 D" nor a laptop's.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
GIB = 1024**3
MIB = 1024**2
MAKERS = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel", "apple": "Apple"}
# A driver reports less memory than the box states. Where nvidia-smi's figure is known the data has it
# (memory_total_mib); else these shares of the nominal GiB, both on the low side: HBM and GDDR cards without inline ECC
# showed 0.994 to 1.0 of nominal, cards whose GDDR ECC is on from the factory (T4, A10, A40, L4, L40S) 0.937.
DRIVER_SHARE = 0.985
INLINE_ECC_SHARE = 15 / 16
# A stated or detected size matches a nominal one within this band: 15360 MiB is "16 GB", 24e9 bytes is "24 GB".
TOLERANCE = (0.9, 1.02)

MAKER_WORDS = ("nvidia", "geforce", "tesla", "amd", "radeon", "instinct", "intel", "apple")
OTHER_NOISE = ("gpu", "gpus", "card", "cards", "graphics", "generation", "edition", "vram", "memory", "unified")
NOISE = frozenset((*MAKER_WORDS, *OTHER_NOISE))
MACHINES = re.compile(r"\b(?:macbook(?: pro| air)?|mac (?:studio|mini|pro)|imac)\b")
# Board makers, their lines and coolers: left out where a name is not known with them.
_BOARD_WORDS = """
    asus msi gigabyte evga zotac palit gainward pny inno3d galax kfa2 colorful sapphire powercolor xfx asrock
    manli leadtek founders fe oc gaming trio suprim tuf rog strix ventus eagle aorus windforce xlr8 nitro
    pulse devil hellhound red ftw3 xc3 sc trinity gamerock phantom twin edge dual design aero amp white black
    hybrid liquid blower turbo x2 x3 series pcie pci express sff lp
"""
BOARD_WORDS = frozenset(_BOARD_WORDS.split())
SHORT_SUPER = re.compile(r"(?<=\d{4})(\s?ti)?\s?s\b")  # "4070S", "4070 Ti S"
OPTIONAL = frozenset(("rtx", "gtx", "rx", "arc", "quadro", "blackwell", "workstation", "jetson"))
LAPTOP = frozenset(("laptop", "mobile", "notebook"))
SIZE = re.compile(r"(?<![\w.])(\d{1,6}(?:\.\d{1,3})?)\s*(?:gb|gib|g)(?![a-z0-9])")
CORES = re.compile(r"(?<![\w.])(\d{1,6})[- ]?(?:gpu[- ]?)?cores?(?:[- ]?gpu)?(?![a-z])")


@dataclass(frozen=True, slots=True)
class GpuSpec:
    """The spec of one accelerator at one memory size.

    `memory_bytes` is what an engine can use, `nominal_bytes` what the box states (a unified device: the host's RAM).
    `memory_bandwidth` in bytes per second, `flops_fp16` dense with fp32 accumulate; None where no fact was found.
    """

    name: str
    vendor: str
    memory_bytes: int
    nominal_bytes: int
    memory_bandwidth: int
    flops_fp16: int | None
    compute_capability: str | None
    unified: bool
    nvml_names: tuple[str, ...]
    source: str
    confidence: str


class UnknownGpu(LookupError):
    """No entry has this name: ask the user for `fields`, never guess."""

    fields = ("memory_bytes", "memory_bandwidth")

    def __init__(self, name: str) -> None:
        self.name = name
        near = nearest(name)
        known = f"the nearest that it knows are {', '.join(near)}. For another, " if near else ""
        super().__init__(
            f"{name!r} is not a GPU that Berth knows: {known}state its memory and its memory bandwidth beside the name."
        )


class AmbiguousGpu(LookupError):
    """Several cards or sizes share this name. `choices`: {"name", "memory_bytes", "memory_bandwidth"} each."""

    def __init__(self, name: str, choices: list[dict[str, Any]], sentence: str) -> None:
        self.name = name
        self.choices = choices
        super().__init__(sentence)


def metal_limit(ram: int) -> int:
    """Metal's default limit: two thirds of RAM up to 32 GiB, three quarters above.

    recommendedMaxWorkingSetSize in llama.cpp logs: 11453 MB of 16 GiB, 51540 MB of 64 GiB.
    """
    return ram * 2 // 3 if ram <= 32 * GIB else ram * 3 // 4


def usable_bytes(entry: dict[str, Any], gib: int) -> int:
    """Bytes an engine may use of an entry with `gib` nominal GiB, when no driver has reported it."""
    nominal = gib * GIB
    if entry["vendor"] == "apple":
        return metal_limit(nominal)
    if entry.get("unified"):
        return int(nominal * entry["usable_share"])
    if "memory_total_mib" in entry:
        return int(entry["memory_total_mib"]) * MIB
    return int(nominal * (INLINE_ECC_SHARE if entry.get("inline_ecc") else DRIVER_SHARE))


@cache
def entries() -> tuple[dict[str, Any], ...]:
    """Every entry of the data files, with its vendor."""
    data = {vendor: json.loads((DATA / f"{vendor}.json").read_text()) for vendor in MAKERS}
    return tuple({**entry, "vendor": vendor} for vendor, found in data.items() for entry in found)


def spec(entry: dict[str, Any], gib: int) -> GpuSpec:
    """The spec of one entry at one of its sizes."""
    flops = entry["fp16_tflops"]
    return GpuSpec(
        name=f"{MAKERS[entry['vendor']]} {entry['name']}",
        vendor=entry["vendor"],
        memory_bytes=usable_bytes(entry, gib),
        nominal_bytes=gib * GIB,
        memory_bandwidth=round(entry["memory_bandwidth_gb_s"] * 1e9),
        flops_fp16=None if flops is None else round(flops * 1e12),
        compute_capability=entry.get("compute_capability"),
        unified=entry.get("unified", False),
        nvml_names=tuple(entry.get("nvml_names", ())),
        source="; ".join(entry["sources"]),
        confidence=entry["confidence"],
    )


def specs() -> list[GpuSpec]:
    """Every known card at every size it is sold with, in file order."""
    return [spec(entry, gib) for entry in entries() for gib in entry["memory_gib"]]


def search(text: str) -> list[GpuSpec]:
    """The specs whose name, NVML names or aliases contain every word of `text`."""
    wanted = folded(text).split()
    found = []
    for entry in entries():
        names = (MAKERS[entry["vendor"]], entry["name"], *entry.get("nvml_names", ()), *entry.get("aliases", ()))
        if all(word in " ".join(names).casefold() for word in wanted):
            found += [spec(entry, gib) for gib in entry["memory_gib"]]
    return found


def folded(name: str) -> str:
    """Lower case, plain hyphens, no trade-mark signs."""
    text = unicodedata.normalize("NFKC", name.replace("™", " ").replace("®", " ")).casefold()
    return re.sub(r"[‐-―−]", "-", re.sub(r"\((r|tm)\)", " ", text))


def words(text: str) -> list[str]:
    """The distinguishing words of a name; "laptop" (or "mobile") last, wherever it was written."""
    plain = MACHINES.sub(" ", SIZE.sub(" ", CORES.sub(" ", text)))
    found = re.findall(r"[a-z0-9]+", plain)
    kept = [word for word in found if word not in NOISE and word not in LAPTOP]
    return [*kept, "laptop"] if kept and LAPTOP & set(found) else kept


@cache
def index() -> dict[str, tuple[dict[str, Any], ...]]:
    """Compact key -> entries. Each name is also indexed without the series words that people leave out."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in entries():
        for name in (entry["name"], *entry.get("nvml_names", ()), *entry.get("aliases", ())):
            spelled = words(folded(name))
            droppable = [i for i, word in enumerate(spelled) if word in OPTIONAL]
            for count in range(len(droppable) + 1):
                for dropped in combinations(droppable, count):
                    key = "".join(word for i, word in enumerate(spelled) if i not in dropped)
                    if key and entry not in found.setdefault(key, []):
                        found[key].append(entry)
    return {key: tuple(items) for key, items in found.items()}


def nearest(name: str, most: int = 3) -> list[str]:
    """Names of the table that are spelled much like this one."""
    keys = index()
    found = get_close_matches("".join(words(folded(name))), keys, n=2 * most, cutoff=0.7)
    return list(dict.fromkeys(keys[key][0]["name"] for key in found))[:most]


def forms(text: str) -> Iterator[str]:
    """The forms of a name: as written; without its bracketed part; that part alone ("Mac Studio (M3 Ultra 512GB)")."""
    yield text
    inner = " ".join(re.findall(r"\(([^)]*)\)", text))
    if inner:
        yield re.sub(r"\([^)]*\)", " ", text)
        yield inner
        yield from inner.split(",")


def candidates(name: str) -> tuple[tuple[dict[str, Any], ...], float | None, int | None]:
    """The entries with that name, and the memory size (GiB) and GPU cores written with it."""
    text = re.sub(r"\bgaming x\b", "gaming", folded(name)).strip()
    exact = tuple(e for e in entries() if text in (n.casefold() for n in e.get("nvml_names", ())))
    if exact:
        return exact, None, None
    for form in forms(text):
        spelled = words(form)
        plain = [word for word in spelled if word not in BOARD_WORDS]
        found = index().get("".join(spelled)) or index().get("".join(plain))
        found = found or index().get("".join(words(SHORT_SUPER.sub(r"\1 super", " ".join(plain)))))
        if found:
            size, cores = SIZE.search(form), CORES.search(form)
            return found, float(size[1]) if size else None, int(cores[1]) if cores else None
    return (), None, None


def fits(stated: float, nominal: float) -> bool:
    return TOLERANCE[0] * nominal <= stated <= TOLERANCE[1] * nominal


def sizes(entry: dict[str, Any], wanted: list[float]) -> list[int]:
    """The entry's nominal GiB that agree with every wanted size. An AMD or Intel unified device comes in any size."""
    open_sized = entry.get("unified") and entry["vendor"] in ("amd", "intel")
    if open_sized and wanted:
        return [round(wanted[0])] if wanted[0] >= 1 else []
    return [gib for gib in entry["memory_gib"] if all(fits(w, gib) for w in wanted)]


def modified(found: tuple[dict[str, Any], ...], wanted: list[float]) -> GpuSpec | None:
    """A card whose memory chips were replaced by those of twice the size ("RTX 2080 Ti 22GB"): all else stays."""
    sold = {(gib, e["memory_bandwidth_gb_s"]): spec(e, gib) for e in found for gib in e["memory_gib"]}
    fitting = [one for (gib, _), one in sold.items() if wanted and all(fits(w, 2 * gib) for w in wanted)]
    if len(fitting) != 1 or fitting[0].unified:
        return None
    one = fitting[0]
    name = f"{one.name} with {2 * one.nominal_bytes // GIB} GB"
    return replace(one, name=name, memory_bytes=2 * one.memory_bytes, nominal_bytes=2 * one.nominal_bytes)


def lookup(name: str, memory_bytes: int | None = None) -> GpuSpec:
    """The reference spec of a card.

    `memory_bytes`, nominal or as a driver reports it, selects among sizes; for a unified device it is the host's RAM.
    Raises UnknownGpu, or AmbiguousGpu when the remaining entries differ in size or bandwidth. When only the tensor rate
    differs (V100 on two boards), the slower is taken.
    """
    found, written, cores = candidates(name)
    if not found:
        raise UnknownGpu(name)
    if cores is not None:
        found = tuple(e for e in found if cores in e.get("gpu_cores", ())) or found
    wanted = [w for w in (memory_bytes / GIB if memory_bytes else None, written) if w]
    if not wanted:
        found = tuple(e for e in found if not e.get("rare")) or found
    matches = [spec(entry, gib) for entry in found for gib in sizes(entry, wanted)]
    if len({(m.nominal_bytes, m.memory_bandwidth) for m in matches}) == 1:
        return min(matches, key=lambda m: m.flops_fp16 or 0)
    if not matches and (doubled := modified(found, wanted)):
        return doubled
    shown = matches or [spec(entry, gib) for entry in found for gib in entry["memory_gib"]]
    choices = [{"name": m.name, "memory_bytes": m.nominal_bytes, "memory_bandwidth": m.memory_bandwidth} for m in shown]
    offered = "; ".join(f"{m.name} with {m.nominal_bytes // GIB} GB, {m.memory_bandwidth / 1e9:g} GB/s" for m in shown)
    if not shown:
        sentence = f"{name!r} shares the host's memory: state the host's RAM."
    elif matches:
        sentence = f"{name!r} can be several cards; name one or state its memory: {offered}."
    else:
        sentence = f"{name!r} is not sold with that memory ({offered}); state its memory bandwidth as well if yours is."
    raise AmbiguousGpu(name, choices, sentence)
