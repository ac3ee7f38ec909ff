from __future__ import annotations

import re

from config import licences
from tests.plugin.berth import ROOT

# What may be passed on with an Apache-2.0 program; LGPL and MPL as libraries that are left as they are.
FREE = {
    *("Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "ISC", "Zlib", "PSF-2.0", "CC0-1.0"),
    *("MPL-2.0", "LGPL-3.0-only"),
}


def test_the_list_is_that_of_the_pinned_packages() -> None:
    assert (ROOT / "docs" / "licences.md").read_text() == licences.table(), (
        "Run `make licences` and commit what it writes."
    )
    assert len(licences.names()) > 50


def test_every_package_says_a_licence_that_goes_with_ours() -> None:
    for name, said in re.findall(r"^\| (\S+) \| (.+) \|$", licences.table().partition("|---|---|")[2], re.MULTILINE):
        assert set(re.findall(r"[\w.-]+", re.sub("AND|OR|WITH", "", said))) <= FREE, (name, said)
