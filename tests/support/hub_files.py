"""A tiny model as its hub repositories would hold it: configuration, sharded weights, and GGUF builds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from advisor.fit.architectures.computed_header import header
from advisor.fit.architectures.hub_config import hub_facts
from tests.support import hollow
from tests.support.hub import Hub, write_safetensors

NAME, GGUF = "acme/Tiny-1B", "acme/Tiny-1B-GGUF"
SLUG = "tiny-1b"
CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "num_hidden_layers": 2,
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 1000,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "time_step_limit": [0.0, float("inf")],
}
TOTAL = 2 * 1000 * 256 + 256 + 2 * (2 * 256 * 256 + 2 * 256 * 128 + 3 * 256 * 512 + 2 * 256)
CARD = {"license": "apache-2.0", "language": ["en", "de"], "tags": []}

Tensors = dict[str, tuple[str, tuple[int, ...]]]


def tensors(dtype: str = "BF16", layers: int = 2) -> Tensors:
    found: Tensors = {"model.embed_tokens.weight": (dtype, (1000, 256)), "model.norm.weight": (dtype, (256,))}
    for i in range(layers):
        block = {
            "self_attn.q_proj": (256, 256),
            "self_attn.k_proj": (128, 256),
            "self_attn.v_proj": (128, 256),
            "self_attn.o_proj": (256, 256),
            "mlp.gate_proj": (512, 256),
            "mlp.up_proj": (512, 256),
            "mlp.down_proj": (256, 512),
            "input_layernorm": (256,),
            "post_attention_layernorm": (256,),
        }
        found |= {f"model.layers.{i}.{name}.weight": (dtype, shape) for name, shape in block.items()}
    return found | {"lm_head.weight": (dtype, (1000, 256))}


def publish(
    hub: Hub, folder: Path, *, config: dict[str, Any] | None = None, held: Tensors | None = None, name: str = NAME
) -> None:
    """Publish the model's repository on the hub, with its weights in two shards and an index."""
    everything = held or tensors()
    names = list(everything)
    halves = {"model-00001-of-00002.safetensors": names[:5], "model-00002-of-00002.safetensors": names[5:]}
    files = {
        path: write_safetensors(folder / path, {name: everything[name] for name in part})
        for path, part in halves.items()
    }
    index = {"metadata": {}, "weight_map": {name: path for path, part in halves.items() for name in part}}
    for path, content in {"config.json": config or CONFIG, "model.safetensors.index.json": index}.items():
        files[path] = folder / path
        files[path].write_text(json.dumps(content))
    hub.add(name, files, cardData=CARD, pipeline_tag="text-generation")


def write_gguf(path: Path, quantization: str, **config: Any) -> Path:
    built = header({**hub_facts({**CONFIG, **config}), "tie": False}, quantization)
    return hollow.write(path, dict(built.kv), built.tensors, built.n_vocab)


def publish_gguf(hub: Hub, folder: Path) -> None:
    files = {f"Tiny-1B-{name}.gguf": write_gguf(folder / f"{name}.gguf", name) for name in ("Q4_K_M", "Q8_0")}
    files["mmproj-Tiny-1B-F16.gguf"] = files["Tiny-1B-Q8_0.gguf"]
    hub.add(GGUF, files)
