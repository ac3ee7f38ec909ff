"""The host's memory, its speed, and everything else that people write into one line and that is no GPU."""

from __future__ import annotations

from itertools import islice, product
from typing import Any

import pytest

from hardware.parse_text import HardwareText, parse_text
from hardware.reference import GIB
from hardware.stated import HardwareError, stated


@pytest.mark.parametrize(
    ("text", "gib", "gb_s"),
    [
        ("Ryzen 9 9950X, 64GB DDR5-8000", 64, 128),
        ("64GB DDR5 RAM", 64, 76.8),
        ("DDR5 64GB", 64, 76.8),
        ("2x32GB DDR5", 64, 76.8),
        ("64GB DDR5-6000 CL30", 64, 96),
        ("128GB LPDDR5X-8000", 128, 128),
        ("64GB (2x32GB) DDR5 6400 MT/s", 64, 102.4),
        ("1x32GB DDR5-5600 SODIMM", 32, 44.8),
        ("64 GB dual channel DDR4 3200MHz", 64, 51.2),
        ("32 GB quad-channel DDR4-2400 ECC registered", 32, 76.8),
        ("12 channels DDR5-4800, 768 GB RAM", 768, 460.8),
        ("8-channel DDR4-3200, 512GB, no gpu", 512, 204.8),
        ("12x64GB DDR5-4800 RDIMM", 768, 460.8),
        ("512 GB RAM, 460 GB/s", 512, 460),
        ("EPYC 9554, 460 GB/s, 512 GB RAM", 512, 460),
        ("EPYC 9654, 768 GB", 768, 460.8),
        ("EPYC 9755, 768GB DDR5-6400", 768, 614.4),
        ("2x EPYC 7763, 1TB DDR4 3200", 1024, 409.6),
        ("dual Xeon Gold 6248, 384GB", 384, 281.568),
        ("Xeon Platinum 8592, 1 TB", 1024, 358.4),
        ("Threadripper PRO 7995WX, 8x32GB DDR5-5200", 256, 332.8),
        ("Threadripper 3970X, 128GB", 128, 102.4),
        ("Raspberry Pi 5 8GB", 8, 17.068),
        ("Ampere Altra Max, 256GB", 256, 204.8),
        ("Graviton4, 96 cores, 192 GB", 192, 537.6),
        ("64GB RAM", 64, None),
        ("Ryzen 5 5600G 6c/12t, 32GB", 32, None),
    ],
)
def test_size_type_speed_and_channels_are_read(text: str, gib: int, gb_s: float | None) -> None:
    found = parse_text(text)
    assert (found["accelerators"], found["ram_bytes"]) == ([], gib * GIB)
    assert found.get("ram_bandwidth") == (None if gb_s is None else pytest.approx(gb_s * 1e9))


@pytest.mark.parametrize(
    ("text", "cards", "gib"),
    [
        ("RTX 4090 24GB, 64GB DDR5 6000MT/s", ["NVIDIA GeForce RTX 4090"], 64),
        ("RTX 3090 24GB 64GB RAM", ["NVIDIA GeForce RTX 3090"], 64),
        ("RTX 3090+RTX 4070, 64GB", ["NVIDIA GeForce RTX 3090", "NVIDIA GeForce RTX 4070"], 64),
        ("RTX 3090 & RTX 4070\n64GB", ["NVIDIA GeForce RTX 3090", "NVIDIA GeForce RTX 4070"], 64),
        ("GPU: RTX 4080, RAM: 64GB DDR5-5600, CPU: Ryzen 9 7950X", ["NVIDIA GeForce RTX 4080"], 64),
        ("RTX 5090 32GB GDDR7, 64GB DDR5", ["NVIDIA GeForce RTX 5090"], 64),
        ("RTX 3060, 12GB VRAM, 32GB RAM", ["NVIDIA GeForce RTX 3060 12 GB"], 32),
        ("Strix Halo, 96GB VRAM, 32GB RAM", ["AMD Radeon 8060S"], 128),
        ("Mac Studio M3 Ultra 512GB unified memory", ["Apple M3 Ultra"], 512),
        (
            "i9-14900K, RTX 4090, 2TB NVMe SSD, 850W PSU, Windows 11, 64GB DDR5-6400 CL32",
            ["NVIDIA GeForce RTX 4090"],
            64,
        ),
        ("Tesla P40 x2, 128GB DDR4 ECC registered 2400", ["NVIDIA P40"] * 2, 128),
    ],
)
def test_cards_stay_what_they_are_beside_it(text: str, cards: list[str], gib: int) -> None:
    found = stated({"text": text})
    assert [card["name"] for card in found["accelerators"]] == cards
    assert found["ram_bytes"] == gib * GIB


def test_what_was_assumed_or_left_out_is_said() -> None:
    warnings = stated({"text": "Ryzen 9 9950X, 64GB DDR5-8000, 2TB NVMe SSD"})["warnings"]
    assert warnings == [
        "Not needed, and left out: '2TB NVMe SSD'.",
        "RAM bandwidth: 2 channels assumed, 128 GB/s; state it otherwise.",
    ]
    assert stated({"text": "64GB RAM, 12 channels DDR5-4800"})["warnings"] == []


def test_bandwidth_is_a_field_of_its_own_and_wins() -> None:
    body: dict[str, Any] = {"text": "64GB DDR5-6000", "ram_bandwidth": 80 * 10**9}
    found = stated(body)
    assert (found["ram_bandwidth"], found["warnings"]) == (80 * 10**9, [])
    assert stated({"ram_bytes": GIB, "ram_bandwidth": 10**11})["ram_bandwidth"] == 10**11
    with pytest.raises(HardwareError, match="greater than or equal") as refused:
        stated({"ram_bytes": GIB, "ram_bandwidth": 5})
    assert (refused.value.status, refused.value.errors[0]["field"]) == (400, "hardware.ram_bandwidth")


@pytest.mark.parametrize("text", ["24GB VRAM, 64GB RAM", "32 GB RAM, 16GB of VRAM"])
def test_memory_of_a_gpu_without_its_name_asks_for_the_name(text: str) -> None:
    with pytest.raises(HardwareText, match=r"without the GPU's name; say which, such as .*RTX"):
        parse_text(text)


SIZES = ("8GB", "16 GB", "32gb", "64 GiB", "128GB", "1TB")
TYPES = ("DDR4", "DDR5", "DDR3", "LPDDR5", "LPDDR5X", "LPDDR4X")
SPEEDS = ("", "-3200", "-6000", " 8000", "-5600 MT/s", " 3600MHz", "-4000", "-2000")
ENDS = ("", " RAM", " ECC", " CL30", " SODIMM", " memory", " kit", " RDIMM dual channel")
PROCESSORS = (
    "Ryzen 9 9950X", "Ryzen 7 5700G", "Core i9-14900K", "i7 13700K", "Core Ultra 9 285K", "EPYC 9654", "2x EPYC 7763",
    "Xeon Gold 6430", "Xeon E5-2690 v4", "Threadripper PRO 7995WX", "Intel N100", "Athlon 3000G", "FX-8350",
    "Raspberry Pi 5", "Celeron J4125", "Pentium Gold G6400", "Snapdragon X Elite", "Graviton4", "Ampere Altra",
    "Ryzen 5 8600G", "Core i5-8400", "AMD Ryzen 5 5500U", "dual Xeon Silver 4210", "Opteron 6272",
)  # fmt: skip
OTHERS = (
    "2TB NVMe SSD", "1TB SATA SSD", "8TB HDD 7200rpm", "Samsung 980 Pro 2TB SSD", "27 inch 1440p 165Hz monitor",
    "3840x2160 display", "ultrawide 3440x1440", "850W PSU", "1000 W power supply", "Windows 11 Pro", "Ubuntu 24.04",
    "Z790 motherboard", "B650 chipset", "X670E mainboard", "LGA1700", "AM5 socket", "AIO cooler 360", "mid tower case",
    "10GbE", "WiFi 6E", "2.5 Gbit ethernet", "gaming PC", "home server", "ThinkPad P1", "Dell PowerEdge R740",
    "PCIe 4.0 x16", "RAID 1", "4K OLED", "CUDA 12.4", "Docker", "Proxmox 8", "mechanical keyboard", "wireless mouse",
)  # fmt: skip
LINES = [
    *(f"{size} {kind}{speed}{end}" for size, kind, speed, end in product(SIZES, TYPES, SPEEDS, ENDS)),
    *(f"{kind}{speed} {size}" for size, kind, speed in product(SIZES, TYPES, SPEEDS)),
    *(f"{cpu}, {size}" for cpu, size in product(PROCESSORS, SIZES)),
    *(f"{cpu} {size}" for cpu, size in product(PROCESSORS, SIZES)),
    *(f"{cpu}, {thing}, 32GB {kind}" for cpu, thing, kind in islice(product(PROCESSORS, OTHERS, TYPES), 0, None, 5)),
]


def test_no_word_of_memory_processors_disks_and_screens_becomes_a_gpu() -> None:
    assert len(LINES) > 2_000
    wrong = []
    for line in LINES:
        try:
            found = stated({"text": line})
        except HardwareError as error:
            wrong.append(f"{line}: {error}")
        else:
            if found["accelerators"] or not found["ram_bytes"]:
                wrong.append(f"{line}: {found['accelerators']} {found['ram_bytes']}")
    assert wrong == []
