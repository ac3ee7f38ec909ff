"""A model as an editor would type it in the admin."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

ADD = reverse("admin:catalog_model_add")
ARCHITECTURE = (
    '{"arch": "llama", "n_layers": 30, "hidden": 576, "ffn": 1536, "n_heads": 9, "n_kv_heads": 3,'
    ' "head_dim": 64, "vocab": 49152, "tie": true, "max_ctx": 8192}'
)
CONFIG = (  # the same as a config.json on the hub
    '{"model_type": "llama", "num_hidden_layers": 30, "hidden_size": 576, "intermediate_size": 1536,'
    ' "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49152, "tie_word_embeddings": true,'
    ' "max_position_embeddings": 8192}'
)


def fields(slug: str = "own-model", **changed: str) -> dict[str, str]:
    """The fields a browser submits for the filled-in add form, inlines included."""
    empty = {f"{name}-{part}": "0" for name in ("builds", "evidence") for part in ("TOTAL_FORMS", "INITIAL_FORMS")}
    typed = {
        **{"slug": slug, "name": slug.title(), "hub_id": f"own/{slug}", "organisation": "Own", "family": "Own"},
        **{"task": "generate", "status": "active", "parameters_total": "134515008", "context_length": "8192"},
        **{"native_dtype": "bf16", "input_modalities": '["text"]', "tool_use": "unknown", "reasoning": "unknown"},
        **{"languages": "[]", "gguf_repos": "[]", "flags": "[]", "architecture": ARCHITECTURE},
        "provenance": '{"sources": ["own card"], "confidence": "read from a source"}',
    }
    return typed | empty | changed


def added(client: Any, slug: str = "own-model", **changed: str) -> Any:
    response = client.post(ADD, fields(slug, **changed))
    assert response.status_code == 302, response.context["errors"]
    return response
