from __future__ import annotations

import pytest

from advisor.fit.engines.llama_cpp.tensor_sizes import from_json, to_json
from tests.accuracy import measured
from tests.support.every_row import for_every


@for_every({f"{model} {quantization}": (model, quantization) for model, quantization in measured.builds()})
def test_sizes_come_back_from_json_as_they_were(name: str, build: tuple[str, str]) -> None:
    sizes = measured.sizes(*build)
    assert from_json(to_json(sizes)) == sizes


def test_sizes_of_another_version_are_refused() -> None:
    stored = to_json(measured.sizes("llama-3.1-8b", "q4_k_m")) | {"version": 0}
    with pytest.raises(ValueError, match="version 0"):
        from_json(stored)
