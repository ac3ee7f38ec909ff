"""The memory that a processor's name implies: channels and the fastest type its maker states, all channels filled.

From the product pages and data sheets of AMD, Intel, Ampere, AWS and Raspberry Pi. Desktop processors are left out:
what they are sold with differs more than they do.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Processor(NamedTuple):
    """Channels of all sockets, megatransfers a second, bytes a channel."""

    channels: int
    rate: int
    bytes: float = 8


FAMILIES = tuple(
    (re.compile(pattern), channels, rate, width)
    for pattern, channels, rate, width in (
        (r"epyc\s+9\d\d5", 12, 6000, 8),
        (r"epyc\s+9[\da-z]\d4|epyc\s+9v", 12, 4800, 8),
        (r"epyc\s+8\d\d4", 6, 4800, 8),
        (r"epyc\s+4\d\d[45]", 2, 5200, 8),
        (r"epyc\s+7[\da-z]\d[23]|epyc\s+7[a-z]", 8, 3200, 8),
        (r"epyc\s+7\d\d1", 8, 2666, 8),
        (r"threadripper\s+(?:pro\s+)?9\d\d\dwx", 8, 6400, 8),
        (r"threadripper\s+(?:pro\s+)?7\d\d\dwx", 8, 5200, 8),
        (r"threadripper\s+pro|\b[35]\d\d\dwx", 8, 3200, 8),
        (r"threadripper\s+9\d\d\dx", 4, 6400, 8),
        (r"threadripper\s+7\d\d\dx", 4, 5200, 8),
        (r"threadripper\s+3\d\d\dx", 4, 3200, 8),
        (r"threadripper\s+2\d\d\d", 4, 2933, 8),
        (r"threadripper\s+1\d\d\d", 4, 2666, 8),
        (r"xeon\s+(?:6\s+)?69\d\d[pe]", 12, 6400, 8),
        (r"xeon\s+(?:6\s+)?67\d\d[pe]", 8, 6400, 8),
        (r"xeon\s+(?:platinum|gold|silver|bronze)?\s*[3-9]5\d\d", 8, 5600, 8),
        (r"xeon\s+(?:platinum|gold|silver|bronze|max)?\s*[3-9]4\d\d", 8, 4800, 8),
        (r"xeon\s+(?:platinum|gold|silver|bronze)?\s*[3-9]3\d\d", 8, 3200, 8),
        (r"xeon\s+(?:platinum|gold|silver|bronze)?\s*[3-9]2\d\d", 6, 2933, 8),
        (r"xeon\s+(?:platinum|gold|silver|bronze)?\s*[3-9]1\d\d", 6, 2666, 8),
        (r"xeon\s+w\d?-?3[45]\d\d", 8, 4800, 8),
        (r"xeon\s+w\d?-?2[45]\d\d", 4, 4800, 8),
        (r"xeon\s+e5-?\s*\d+\w*\s*v4", 4, 2400, 8),
        (r"xeon\s+e5-?\s*\d+\w*\s*v3", 4, 2133, 8),
        (r"xeon\s+e5", 4, 1600, 8),
        (r"altra", 8, 3200, 8),
        (r"graviton\s*4", 12, 5600, 8),
        (r"graviton\s*3", 8, 4800, 8),
        (r"graviton\s*2", 8, 3200, 8),
        (r"raspberry\s+pi\s+5", 1, 4267, 4),
        (r"raspberry\s+pi\s+4", 1, 3200, 4),
    )
)
SOCKETS = re.compile(r"^(\d)\s*[x×*]\s*|^(dual|two)\b|\b(\d)\s*sockets?\b|\b(dual)[\s-]socket")


def processor_of(part: str) -> Processor | None:
    """The memory of the processor that this folded text names; None for one that is not in the table."""
    known = next(((c, rate, width) for name, c, rate, width in FAMILIES if name.search(part)), None)
    if known is None:
        return None
    found = SOCKETS.search(part)
    sockets = (2 if found[2] or found[4] else int(found[1] or found[3])) if found else 1
    return Processor(known[0] * sockets, known[1], known[2])
