from __future__ import annotations

from typing import Any

import pytest

from hardware.parse_text import HardwareText, parse_text
from hardware.reference import GIB


def card(name: str, count: int = 1, gib: float | None = None) -> dict[str, Any]:
    return {"name": name, "count": count, "memory_bytes": None if gib is None else int(gib * GIB)}


@pytest.mark.parametrize(
    ("text", "cards", "ram", "cores"),
    [
        ("2x RTX 3090, 64 GB RAM", [card("RTX 3090", 2)], 64, None),
        ("2x RTX 3090 + 1x 4090, 128GB", [card("RTX 3090", 2), card("4090")], 128, None),
        ("M3 Max 64GB", [card("M3 Max", gib=64)], None, None),
        ("8 GB laptop RTX 4060", [card("laptop RTX 4060", gib=8)], None, None),
        ("CPU only, 32 GB RAM, 8 cores", [], 32, 8),
        ("RTX 3060 12GB", [card("RTX 3060", gib=12)], None, None),
        ("RTX 4090 64GB RAM", [card("RTX 4090")], 64, None),
        ("RTX 4090 24GB with 64GB of RAM", [card("RTX 4090", gib=24)], 64, None),
        ("4090 x2, 16 cores, 64GB DDR5", [card("4090", 2)], 64, 16),
        ("dual 3090 and 64 gb ram", [card("3090", 2)], 64, None),
        ("2 RTX 3090; RAM: 32 GB", [card("RTX 3090", 2)], 32, None),
        ("H100 SXM ×8, 2TB RAM", [card("H100 SXM", 8)], 2048, None),
        ("Ryzen AI Max+ 395 128GB", [card("Ryzen AI Max+ 395", gib=128)], None, None),
        ("Ryzen 9 7950X, RTX 4090, 64GB", [card("RTX 4090")], 64, None),
        ("RTX 4090 16GB VRAM, 32 GB system memory", [card("rtx 4090 vram", gib=16)], 32, None),
        ("Ryzen AI Max 390, 64GB", [card("Ryzen AI Max 390")], 64, None),
        ("RTX 4070 Super / 32 GB", [card("RTX 4070 Super")], 32, None),
        ("RX 580", [card("RX 580")], None, None),
        ("4090x2, RX 7900 XTX x 3", [card("4090", 2), card("RX 7900 XTX", 3)], None, None),
        ("Foo 9000 24 GB 900 GB/s", [card("Foo 9000", gib=24) | {"memory_bandwidth": 900 * 10**9}], None, None),
        ("B900 288GB 8TB/s x2", [card("B900", 2, gib=288) | {"memory_bandwidth": 8 * 10**12}], None, None),
        ("no gpu, 16gb", [], 16, None),
    ],
)
def test_hardware_is_read_from_words(
    text: str, cards: list[dict[str, Any]], ram: int | None, cores: int | None
) -> None:
    found = parse_text(text)
    assert {name: found[name] for name in ("accelerators", "ram_bytes", "cpu_cores")} == {
        "accelerators": cards,
        "ram_bytes": None if ram is None else ram * GIB,
        "cpu_cores": cores,
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "8 cores",
        "x" * 501,
        "64 GB RAM, 32 GB RAM",
        "CPU only, RTX 4090",
        "2x 24GB",
        "i7-13700K 32GB RTX 4070",
    ],
)
def test_words_that_are_no_hardware_are_one_sentence(text: str) -> None:
    with pytest.raises(HardwareText, match=r"^text .*\.$"):
        parse_text(text)
