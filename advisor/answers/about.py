"""Content of the about page: the error bounds held by the tests, sources of facts, and versions behind an answer."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from advisor.answers import hosted_prices
from advisor.answers.cache import cached
from advisor.fit.engines.llama_cpp import memory
from advisor.fit.engines.llama_cpp.defaults import Product, products
from advisor.fit.engines.vllm import version
from advisor.fit.spec import FIT_VERSION
from advisor.fit.speed.efficiency import fitted
from advisor.selectors.catalog import catalog_index, sources_and_licences
from catalog import evidence_sources as sources_of
from hardware import reference

DATA = Path(__file__).parents[1] / "data"
# A bound's key -> its sentence; a key that a row does not state gives none.
SENTENCES = {
    "median": "half within {} %",
    "p90": "nine of ten within {} %",
    "worst": "all within {} %",
    "under": "{} % of the rows may be over 2 % too low",
    "under_all": "none more than {} % too low",
    "near": "{} % of the rows within {} %",
    "starts": "whether it starts right for {} %",
    "held": "the range holds {} % of the rows",
    "answered": "{} % of the rows answered, the others with why not",
}

# The hold-out scheme of bench/quality.py -> the caption of its table.
LEFT_OUT = (("benchmark", "Each benchmark left out in turn"), ("publisher", "Everything of its publisher left out"))


@cache
def bounds() -> dict[str, dict[str, Any]]:
    """The bounds held by the tests under tests/accuracy, by name; errors and shares in percent."""
    held = json.loads((DATA / "accuracy.json").read_text(encoding="utf-8"))
    return {name: bound for name, bound in held.items() if name != "about"}


@cache
def sources() -> list[dict[str, str]]:
    """Use, source and licence of data other than the catalog's evidence, which names its own."""
    return list(json.loads((DATA / "sources.json").read_text(encoding="utf-8")))


@cache
def rank_correlation() -> dict[str, Any]:
    """Rank correlation of strengths with held-out results, as written by `bench/quality.py --write`."""
    held = json.loads((DATA / "rank_correlation.json").read_text(encoding="utf-8"))
    tables = [
        (caption, [row | {"use_case": row["use_case"].replace("_", " ")} for row in held[of]])
        for of, caption in LEFT_OUT
    ]
    return {"date": held["date"], "digest": held["digest"], "tables": tables}


def accuracy() -> list[dict[str, Any]]:
    return [bound | {"sentences": sentences(bound)} for bound in bounds().values()]


def sentences(bound: dict[str, Any]) -> str:
    told = []
    for key, words in SENTENCES.items():
        if key in bound:
            values = bound[key] if isinstance(bound[key], list) else [bound[key]]
            told.append(words.format(*(f"{value:g}" for value in values)))
    return "; ".join(told) or "all as the table says"


def about_document() -> dict[str, Any]:
    index = catalog_index()
    models = index.catalog.models
    counted = {
        "models": len(models),
        "builds": sum(len(model.builds) for model in models),
        "accelerators": len(reference.entries()),
    }
    return {
        "accuracy": accuracy(),
        "rank_correlation": rank_correlation(),
        "sources": sources(),
        "evidence": cached(("evidence by source", index.catalog.version), evidence),
        "counted": counted,
        "products": [defaults(product) for product in products().values()],
        "versions": [
            ("Memory of llama.cpp is summed for build", memory.ENGINE_BUILD),
            ("Builds found to plan the same, Gemma 4’s compute buffers apart", ", ".join(memory.CONFIRMED_BUILDS)),
            ("Memory of vLLM is summed for version", version.ENGINE_VERSION),
            ("Speed constants were fitted on", fitted_on()),
            ("Hosted prices are of", f"{hosted_prices.prices()['taken']}, {hosted_prices.prices()['source']}"),
            ("Fit", FIT_VERSION),
            ("Catalog", index.catalog.version),
        ],
    }


def defaults(product: Product) -> dict[str, Any]:
    """A program's defaults with its context steps in words, the smallest first."""
    context = [
        f"{step['tokens']:,} tokens" + (f" from {step['gib']} GiB of GPU memory on" if step["gib"] else "")
        for step in reversed(product.context)
    ]
    batch = [
        f"{step['batch']:,} and {step['ubatch']:,}" + (f" above {step['above']:,} tokens" if step["above"] else "")
        for step in reversed(product.batch)
    ]
    return asdict(product) | {"context": ", ".join(context), "batch": ", ".join(batch)}


def fitted_on() -> str:
    found = fitted()["fitted"]
    return f"{found['date']}, {found['decode_rows']:,} measurements of decode and {found['prefill_rows']:,} of prefill"


def evidence() -> list[dict[str, Any]]:
    """Counts of published results by source and licence, most first, and whether the source is switched off."""
    off = sources_of.switched_off()
    found = Counter((sources_of.origin(source), licence) for source, licence in sources_and_licences())
    return [
        {"source": source, "licence": licence, "rows": rows, "off": source in off}
        for (source, licence), rows in found.most_common()
    ]
