"""How much goes to the host when devices are too small: the least that lets them hold the rest, found by search."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING

from advisor.fit.division import groups, singles
from advisor.fit.spec import DeviceMemory, HostSpec, Memory

if TYPE_CHECKING:
    from advisor.fit.placement import Placed

GUESSES = 3  # steps from the first guess before bisection takes over


def offloaded(
    host: HostSpec, most: int, saved: float, at: Callable[[tuple[int, ...], Memory | None, int], Placed | None]
) -> Placed | None:
    """The smallest count 1..most at which the devices hold their part; None when they never do, or the host does not.

    `saved` is about what one more block on the host saves on the devices: it gives the first guess, a few steps from
    it the answer, and bisection the rest. The compute buffers hardly depend on the count, so those of one count stand
    for all: on one device of the largest, which hold those of fewer blocks as well, on several of the first guess.
    """
    for used in groups(host) or [(index,) for index in singles(host)[:1]]:
        bare = at(used, Memory((DeviceMemory(0, 0, 0),) * len(used), DeviceMemory(0, 0, 0)), most)
        if bare is None or min(bare.margins) < 0 or not together(bare, host):
            continue
        first = at(used, None, first_guess(most, saved, bare) if len(used) > 1 else most)
        if first is None:
            continue
        like = cache(partial(at, used, first.memory))
        end = like(most)
        if end is None or min(end.margins) < 0:
            continue
        best = like(searched(most, first_guess(most, saved, end), like))
        if best and best.fits:
            return best
    return None


def first_guess(most: int, saved: float, end: Placed) -> int:
    """What the count may be, from the room that is left at `most`."""
    return min(max(1, most - int(sum(end.margins) / max(1.0, saved))), most)


def searched(most: int, guess: int | None, at: Callable[[int], Placed | None]) -> int:
    """The smallest count at which the margins are not negative, which they are not at `most`."""
    low, high = 0, most
    for step in range(most):
        if high - low <= 1:
            break
        middle = (low + high) // 2 if guess is None else min(max(guess, low + 1), high - 1)
        placed = at(middle)
        if placed and min(placed.margins) >= 0:
            high, guess = middle, middle - 1
        else:
            low, guess = middle, middle + 1
        if step >= GUESSES:
            guess = None
    return high


def together(placed: Placed, host: HostSpec) -> bool:
    """Whether devices and host together hold the weights and the cache, wherever each part comes to lie."""
    parts = (*placed.memory.devices, placed.memory.host)
    room = sum(host.devices[i].available_bytes for i in placed.devices if not host.devices[i].unified)
    return sum(part.weights + part.kv for part in parts) <= room + (host.ram_available_bytes or 0)
