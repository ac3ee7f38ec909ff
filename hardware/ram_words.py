"""A host's memory in words: "2x32GB DDR5-6000 CL30", "128GB LPDDR5X-8000", "12 channels DDR5-4800"."""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass, fields
from typing import Any

from hardware.processor_memory import Processor

GIB = 1024**3
NUMBER = r"\d{1,6}(?:\.\d{1,3})?"
UNIT = r"(?:gb|gib|g|tb|tib)(?![a-z0-9/])"
COUNTS = {"single": 1, "one": 1, "dual": 2, "two": 2, "triple": 3, "quad": 4, "four": 4, "six": 6, "eight": 8}
COUNTS |= {"octa": 8, "ten": 10, "twelve": 12}
RATES = r"1333|1600|1866|2133|2400|266[67]|2933|3000|3200|3[46]00|4000|426[67]|4800|5[26]00|6[048]00"
RATES += r"|7[256]00|8[0458]00|8533"
FILLER = (
    r"system|main|host|of|total|installed|at|running|kit|sticks?|modules?|unbuffered|buffered|bandwidth|xmp|expo"
    r"|(?:quad|dual|single)-?rank|soldered|onboard|cl\s?\d{2}|c\d{2}|\d{2}-\d{2}-\d{2}(?:-\d{2,3})?"
)
WORD = r"ram|memory|sdram|(?:so-?|u-?|r-?|lr-?|cu)?dimms?|(?:non-?)?ecc|registered|reg"
# Tokens of which such a phrase is made; type, word and channels say that it is the host's memory.
TOKENS = {
    "modules": rf"(?P<modules>\d{{1,2}})\s*[x×*]\s*(?P<each>{NUMBER})\s*(?P<each_unit>{UNIT})",
    "size": rf"(?P<size>{NUMBER})\s*(?P<unit>{UNIT})",
    "type": (
        r"(?<![a-z0-9])(?P<lp>lp)?ddr\s?-?(?P<ddr>[2-6])[lx]?(?:[\s-]*(?P<rate>\d{4,5})(?![\d.]|\s*[gt]i?b))?"
        r"(?:\s*(?:mt/?s|mhz))?"
    ),
    "rate": r"(?<![\w.])(?P<mts>\d{3,5})\s*(?:mt/?s|mhz)(?![a-z])",
    "channels": rf"(?<![a-z0-9])(?P<channels>\d{{1,2}}|{'|'.join(COUNTS)})[\s-]*channels?(?![a-z])",
    "bandwidth": r"(?<![\w.])(?P<speed>\d{1,5}(?:\.\d{1,3})?)\s*(?P<per>gb|gib|tb)(?:\s*/\s*s(?:ec)?|ps)(?![a-z])",
    "word": rf"(?<![a-z0-9])(?:{WORD})(?![a-z])",
    "filler": rf"(?<![a-z])(?:{FILLER})(?![a-z])",
    "bare": rf"(?<![\w.])(?P<bare>{RATES})(?![\w.])",
}
TOKEN = re.compile("|".join(f"(?P<t_{name}>{pattern})" for name, pattern in TOKENS.items()))
BETWEEN = re.compile(r"[\s\-/@:()\[\]=+.]*")
GRAPHICS = re.compile(r"\bvram\b|\bvideo\s+(?:ram|memory)\b|\bgpu\s+(?:ram|memory)\b|\bunified\b|\bgddr|\bhbm")
# Megatransfers a second where only the type is said: the first that was sold widely, not the fastest.
USUAL_RATE = {("", 2): 800, ("", 3): 1600, ("", 4): 3200, ("", 5): 4800, ("", 6): 8800}
USUAL_RATE |= {("lp", 3): 1866, ("lp", 4): 4267, ("lp", 5): 6400}
CHANNEL_BYTES = 8
USUAL_CHANNELS = 2  # of desktops and laptops; servers have more, and then it is said


@dataclass(frozen=True, slots=True)
class Ram:
    """What a phrase says, None where it does not: bytes, bytes per second, kind such as ("lp", 5), megatransfers a
    second, channels and modules."""

    size: int | None = None
    bandwidth: int | None = None
    kind: tuple[str, int] | None = None
    rate: int | None = None
    channels: int | None = None
    modules: int | None = None


FIELDS = tuple(field.name for field in fields(Ram))


def in_bytes(number: str, unit: str) -> int:
    """Bytes of a size. Memory is sold in binary units whatever the label: "64 GB" is 64 GiB."""
    return int(float(number) * (1024 * GIB if unit.startswith("t") else GIB))


def take_ram(part: str) -> tuple[str, Ram | None]:
    """The part without its phrase of the host's memory, and what that says; None where there is none.

    A size alone is the host's memory too. `part` is folded.
    """
    if GRAPHICS.search(part):
        return part, None
    for run in runs(part):
        if not any(marks(token) for token in run):
            continue
        kept = nearest(run)
        return f"{part[: kept[0].start()]} {part[kept[-1].end() :]}".strip(" -+/()"), meaning(kept)
    alone = TOKEN.fullmatch(part)
    if alone and alone["t_size"]:
        return "", Ram(in_bytes(alone["size"], alone["unit"]))
    if alone and alone["t_bandwidth"]:
        return "", meaning([alone])
    return part, None


def joined(one: Ram, other: Ram | None) -> Ram:
    """What two phrases say together; where both speak, the first."""
    if other is None:
        return one
    return Ram(
        *(mine if mine is not None else getattr(other, name) for name, mine in zip(FIELDS, astuple(one), strict=True))
    )


def marks(token: re.Match[str]) -> bool:
    return bool(token["t_type"] or token["t_word"] or token["t_channels"])


def runs(part: str) -> list[list[re.Match[str]]]:
    """Tokens that follow one another with nothing but signs between."""
    found: list[list[re.Match[str]]] = []
    for token in TOKEN.finditer(part):
        if found and BETWEEN.fullmatch(part[found[-1][-1].end() : token.start()]):
            found[-1].append(token)
        else:
            found.append([token])
    return found


def nearest(run: list[re.Match[str]]) -> list[re.Match[str]]:
    """Of several sizes the one beside the word that says what it is: those before belong to a card."""
    sized = [i for i, token in enumerate(run) if token["t_size"] or token["t_modules"]]
    first = next(i for i, token in enumerate(run) if marks(token))
    before = [i for i in sized if i < first]
    if len(sized) < 2 or len({bytes_of(run[i]) for i in sized}) == 1:  # "64GB (2x32GB)" says the same twice
        return run
    if before:
        return run[before[-1] :] if len(before) == len(sized) else run[before[-1] : next(i for i in sized if i > first)]
    return run[: sized[1]]


def bytes_of(token: re.Match[str]) -> int:
    if token["t_modules"]:
        return int(token["modules"]) * in_bytes(token["each"], token["each_unit"])
    return in_bytes(token["size"], token["unit"])


def meaning(run: list[re.Match[str]]) -> Ram:
    said: dict[str, Any] = {}
    for token in run:
        if token["t_modules"] or token["t_size"]:
            said.setdefault("size", bytes_of(token))
        if token["t_modules"]:
            said["modules"] = int(token["modules"])
        elif token["t_type"]:
            said["kind"] = (token["lp"] or "", int(token["ddr"]))
            said |= {"rate": int(token["rate"])} if token["rate"] else {}
        elif token["t_rate"] or token["t_bare"]:
            said["rate"] = int(token["mts"] or token["bare"])
        elif token["t_channels"]:
            said["channels"] = COUNTS.get(token["channels"]) or int(token["channels"])
        elif token["t_bandwidth"]:
            said["bandwidth"] = int(float(token["speed"]) * (10**12 if token["per"] == "tb" else 10**9))
    return Ram(**said)


def bandwidth(ram: Ram, processor: Processor | None) -> tuple[int | None, str]:
    """Bytes per second of the host's memory, and the sentence on what of it was taken for granted; None where neither
    memory nor processor tells."""
    if ram.bandwidth:
        return ram.bandwidth, ""
    if not (ram.kind or ram.rate or ram.channels or processor):
        return None, ""
    kind = ram.kind or (None if processor else ("", 4))
    rate = ram.rate or (processor.rate if processor and not ram.kind else USUAL_RATE.get(kind or ("", 4), 3200))
    populated = ram.modules if ram.modules and (ram.modules == 1 or ram.modules >= 8) else None
    most = processor.channels if processor else None
    channels = ram.channels or (min(populated, most) if populated and most else populated or most or USUAL_CHANNELS)
    found = round(channels * (processor.bytes if processor else CHANNEL_BYTES) * rate * 10**6)
    taken = [] if ram.rate else [f"{kind[0].upper()}DDR{kind[1]}-{rate}" if kind else f"{rate} MT/s"]
    taken += [] if ram.channels else [f"{channels} channel{'s' if channels > 1 else ''}"]
    told = f"RAM bandwidth: {' and '.join(taken)} assumed, {found / 1e9:.0f} GB/s; state it otherwise."
    return found, told if taken else ""
