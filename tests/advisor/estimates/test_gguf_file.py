from __future__ import annotations

import json

from advisor.estimates.gguf_file import sizes_of
from advisor.files.local import find_file
from advisor.fit.engines.llama_cpp.sizes_json import from_json
from tests.support.launches import SEED


def test_the_catalogs_row_of_the_bundled_model_says_what_its_file_says() -> None:
    row = json.loads(SEED.read_text())["builds"][0]
    path = find_file(row["files"], roots=[])
    assert path
    assert from_json(row["sizes"]) == sizes_of(str(path), None)
