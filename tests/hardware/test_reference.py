from __future__ import annotations

import json

import jsonschema
import pytest

from hardware.reference import DATA, GIB, MAKERS, MIB, AmbiguousGpu, GpuSpec, UnknownGpu, entries, lookup, search, specs
from hardware.stated import stated
from tests.support.every_row import for_every


@pytest.mark.parametrize("vendor", MAKERS)
def test_every_entry_is_complete_and_names_its_source(vendor: str) -> None:
    schema = json.loads((DATA / "accelerators.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(json.loads((DATA / f"{vendor}.json").read_text()))


def test_names_are_given_once() -> None:
    names = [(e["vendor"], e["name"]) for e in entries()]
    assert len(names) == len(set(names)) > 240


@for_every({f"{spec.name}, {spec.nominal_bytes // GIB} GB": spec for spec in specs()})
def test_every_card_is_found_by_its_own_name_and_size(name: str, spec: GpuSpec) -> None:
    found = lookup(spec.name, spec.nominal_bytes)
    assert (found.name, found.memory_bytes) == (spec.name, spec.memory_bytes)
    assert 0.49 * spec.nominal_bytes < spec.memory_bytes <= spec.nominal_bytes


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("4090", "NVIDIA GeForce RTX 4090"),
        ("rtx 4090", "NVIDIA GeForce RTX 4090"),
        ("RTX4090", "NVIDIA GeForce RTX 4090"),
        ("NVIDIA GeForce RTX 4090", "NVIDIA GeForce RTX 4090"),
        ("RTX 4090 24GB", "NVIDIA GeForce RTX 4090"),
        ("4090D", "NVIDIA GeForce RTX 4090 D"),
        ("RTX 4090 Laptop GPU", "NVIDIA GeForce RTX 4090 Laptop GPU"),
        ("laptop RTX 4060", "NVIDIA GeForce RTX 4060 Laptop GPU"),
        ("4070 ti super", "NVIDIA GeForce RTX 4070 Ti SUPER"),
        ("H100 NVL", "NVIDIA H100 NVL 94GB"),
        ("NVIDIA H100 80GB HBM3", "NVIDIA H100 SXM5 80GB"),
        ("NVIDIA GH200 480GB", "NVIDIA GH200 96GB"),
        ("Tesla T4", "NVIDIA T4"),
        ("RTX A6000 48GB", "NVIDIA RTX A6000"),
        ("RTX 6000 Ada", "NVIDIA RTX 6000 Ada Generation"),
        ("RTX 3060 12GB", "NVIDIA GeForce RTX 3060 12 GB"),
        ("DGX Spark", "NVIDIA GB10 (DGX Spark)"),
        ("GB10", "NVIDIA GB10 (DGX Spark)"),
        ("Strix Halo", "AMD Radeon 8060S"),
        ("AMD Radeon 8060S (Strix Halo, Ryzen AI MAX+ 395)", "AMD Radeon 8060S"),
        ("7900 XTX", "AMD Radeon RX 7900 XTX"),
        ("AMD Radeon™ RX 7900 XT", "AMD Radeon RX 7900 XT"),
        ("MI300X", "AMD Instinct MI300X"),
        ("Intel(R) Arc(TM) B580", "Intel Arc B580"),
        ("M3 Max 64GB", "Apple M3 Max (40-core GPU)"),
        ("M3 Max 30‑Core GPU 36GB", "Apple M3 Max (30-core GPU)"),
        ("Mac Studio (M3 Ultra 512GB)", "Apple M3 Ultra"),
        ("MacBook Pro M4 Pro 48GB", "Apple M4 Pro"),
    ],
)
def test_a_name_is_understood_as_people_write_it(written: str, meant: str) -> None:
    assert lookup(written).name == meant


@pytest.mark.parametrize(
    "written",
    [
        "",
        "GPU",
        "409",
        "40900",
        "4090 Super",
        "GTX 4090",
        "RTX 4090 XTX",
        "RX 4090",
        "foo",
        "A1000000",
        "M9 Max",
        "H10",
    ],
)
def test_a_name_is_never_half_a_match(written: str) -> None:
    with pytest.raises(UnknownGpu, match="state its memory and its memory bandwidth") as unknown:
        lookup(written)
    assert unknown.value.fields == ("memory_bytes", "memory_bandwidth")


@pytest.mark.parametrize(
    ("written", "choices"),
    [
        ("H100", {("NVIDIA H100 SXM5 80GB", 80), ("NVIDIA H100 PCIe 80GB", 80), ("NVIDIA H100 NVL 94GB", 94)}),
        ("H100 80GB", {("NVIDIA H100 SXM5 80GB", 80), ("NVIDIA H100 PCIe 80GB", 80)}),
        ("RTX 3060", {("NVIDIA GeForce RTX 3060 12 GB", 12), ("NVIDIA GeForce RTX 3060 8 GB", 8)}),
        ("M3 Pro", {("Apple M3 Pro", 18), ("Apple M3 Pro", 36)}),
        ("RTX 6000", {("NVIDIA Quadro RTX 6000", 24), ("NVIDIA RTX 6000 Ada Generation", 48)}),
        ("RTX 4090 30GB", {("NVIDIA GeForce RTX 4090", 24)}),
    ],
)
def test_several_cards_of_one_name_are_offered(written: str, choices: set[tuple[str, int]]) -> None:
    with pytest.raises(AmbiguousGpu) as error:
        lookup(written)
    assert {(c["name"], c["memory_bytes"] // GIB) for c in error.value.choices} == choices
    for choice in error.value.choices:
        assert lookup(choice["name"], choice["memory_bytes"]).memory_bandwidth == choice["memory_bandwidth"]


@pytest.mark.parametrize(
    ("name", "mib", "gib"),
    [
        ("NVIDIA GeForce RTX 4090", 24564, 24),
        ("NVIDIA GeForce RTX 3060", 12288, 12),
        ("NVIDIA GeForce RTX 4060 Ti", 16380, 16),
        ("NVIDIA A10G", 23028, 24),
        ("Tesla T4", 15360, 16),
        ("NVIDIA A100-SXM4-80GB", 81920, 80),
        ("NVIDIA H200", 143771, 141),
        ("NVIDIA GB10", 122_570, 128),
    ],
)
def test_what_a_driver_reports_finds_the_nominal_size(name: str, mib: int, gib: int) -> None:
    assert lookup(name, mib * MIB).nominal_bytes == gib * GIB


def test_a_card_that_nobody_has_asked_is_given_what_its_driver_shows_elsewhere() -> None:
    assert lookup("4090").memory_bytes == 24564 * MIB
    assert lookup("4090").memory_bandwidth == 1_008_000_000_000
    assert lookup("T4").memory_bytes == 15360 * MIB
    assert lookup("L40").memory_bytes == 45 * GIB  # inline ECC takes a sixteenth
    assert lookup("M1 16GB").memory_bytes == 16 * GIB * 2 // 3
    assert lookup("M3 Max 64GB").memory_bytes == 48 * GIB


def test_search_looks_for_every_word() -> None:
    assert {s.name for s in search("laptop 4090")} == {"NVIDIA GeForce RTX 4090 Laptop GPU"}
    assert {s.name for s in search("spark")} == {"NVIDIA GB10 (DGX Spark)"}
    assert search("no such card") == []


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("AMD Instinct MI60 / MI50", "AMD Instinct MI60"),
        ("GeForce RTX 3070 Mobile / Max-Q", "NVIDIA GeForce RTX 3070 Laptop GPU"),
        ("GeForce RTX 3070 with Max-Q Design", "NVIDIA GeForce RTX 3070 Laptop GPU"),
        ("4070S", "NVIDIA GeForce RTX 4070 SUPER"),
        ("4070 Ti S", "NVIDIA GeForce RTX 4070 Ti SUPER"),
        ("RTX 4090 FE", "NVIDIA GeForce RTX 4090"),
        ("ASUS TUF RTX 4080 Super OC 16GB", "NVIDIA GeForce RTX 4080 SUPER"),
        ("MSI Gaming X Trio RTX 3090", "NVIDIA GeForce RTX 3090"),
        ("Sapphire Nitro+ RX 7900 XTX", "AMD Radeon RX 7900 XTX"),
        ("Gigabyte Eagle OC 3060 12GB", "NVIDIA GeForce RTX 3060 12 GB"),
    ],
)
def test_one_name_is_one_card_however_it_is_sold(written: str, name: str) -> None:
    assert [card["name"] for card in stated({"text": written})["accelerators"]] == [name]


def test_an_unknown_name_is_answered_with_the_nearest_and_with_no_figures() -> None:
    with pytest.raises(UnknownGpu) as unknown:
        lookup("RTX 4095")
    assert "nearest that it knows are GeForce RTX 4090," in str(unknown.value)
    assert "GB/s" not in str(unknown.value)
