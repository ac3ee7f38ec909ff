from __future__ import annotations

import pytest

from advisor.fit.engines.vllm.catalog_config import STORED, config_of
from advisor.fit.engines.vllm.config import UnknownConfig
from catalog import seed

MODELS = {model["slug"]: model for model in seed.models()}


def test_a_type_of_weights_that_is_not_known_is_named() -> None:
    assert "int4 (experts) + bf16" not in STORED
    with pytest.raises(UnknownConfig, match="int4"):
        config_of(MODELS["kimi-k2.6"]["architecture"], MODELS["kimi-k2.6"]["native_dtype"])
