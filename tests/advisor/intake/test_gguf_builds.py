from __future__ import annotations

import pytest

from advisor.intake import gguf_builds

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "quantization"),
    [
        ("Qwen3-8B-Q4_K_M", "Q4_K_M"),
        ("model.q8_0", "Q8_0"),
        ("Llama-3.2-1B-Instruct-IQ4_XS", "IQ4_XS"),
        ("x-UD-Q4_K_XL", "Q4_K_XL"),
        ("gpt-oss-20b-mxfp4", "MXFP4"),
        ("BF16/model-BF16", "BF16"),
        ("Qwen3-8B", None),
    ],
)
def test_quantizations_are_read_from_names(name, quantization):
    assert gguf_builds.label(name) == quantization
