"""Collects hosted prices of catalog models into a dated file that answers read offline.

    pip install genai-prices        (MIT; not a dependency of Berth)
    python bench/hosted_prices.py   writes advisor/data/hosted_prices.json

A price is assigned to a catalog model when the provider's name for it equals the model's own, ignoring case and
punctuation; a suffix that names the precision is dropped. Free, tiered and time-dependent offers are left out.
Embedding models are priced by input tokens and have no output price.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from catalog import seed

TARGET = ROOT / "advisor/data/hosted_prices.json"


def plain(name: str) -> str:
    text = re.sub(r"[-_](fp8|nvfp4|bf16)$", "", name.rsplit("/", maxsplit=1)[-1].lower())
    return re.sub(r"[^a-z0-9.]", "", text)


def offered(prices: Any, embeds: bool) -> tuple[float, float | None] | None:
    """Dollars per million input and output tokens; None unless the offer is a plain positive price."""
    read, written = (getattr(prices, name, None) for name in ("input_mtok", "output_mtok"))
    if not all(isinstance(price, Decimal) and price > 0 for price in ([read] if embeds else [read, written])):
        return None
    return float(read), None if embeds else float(written)


def main() -> None:
    try:
        from genai_prices.data import providers
    except ImportError:
        print(__doc__)
        return
    slugs = {plain(name): entry["slug"] for entry in seed.models() for name in (entry["hub_id"], entry["name"])}
    embedding = {entry["slug"] for entry in seed.models() if entry["task"] == "embedding"}
    found: dict[str, dict[str, list[float | None]]] = {}
    for provider in providers:
        for model in provider.models:
            slug = slugs.get(plain(model.id))
            if slug and (pair := offered(model.prices, slug in embedding)):
                found.setdefault(slug, {}).setdefault(provider.name, list(pair))
    rows = ",\n".join(
        f"  {json.dumps(slug)}: {json.dumps(dict(sorted(found[slug].items())))}" for slug in sorted(found)
    )
    about = {
        "about": "Dollars per million tokens in and out by model and provider, embeddings in; bench/hosted_prices.py.",
        "source": f"genai-prices {version('genai-prices')} (MIT)",
        "taken": datetime.now(UTC).date().isoformat(),
    }
    head = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in about.items())
    TARGET.write_text(f'{{\n{head},\n"prices": {{\n{rows}\n}}\n}}\n')
    print(f"{len(found)} models, {sum(map(len, found.values()))} prices")


if __name__ == "__main__":
    main()
