"""Cache layout of each vLLM 0.32 architecture as data, keyed by `architectures` of a config.json.

A layout is listed once; `SAME_AS` maps further architectures to it. An architecture in neither table is unknown, and
nothing is estimated for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class State:
    """How a recurrent layer's state follows from the configuration.

    `kind` is a rule of `recurrent_state`, `fields` maps its terms to configuration fields. `precision` names the field
    with the dtype of the recurrent part, then its default when the field is missing; None: the model's dtype.
    """

    kind: str
    fields: Mapping[str, str]
    precision: tuple[str, str | None] | None = None


@dataclass(frozen=True, slots=True)
class ModelClass:
    """`by_type`: the class sets the window per layer type, instead of one window for all.

    `types` names the rule for the layer types when it is not the configuration's own `layer_types`. `geometry` replaces
    fields in layers of a kind; `window` is the field with the window, `window_extra` what is added to it. `index`: the
    indexer key of sparse attention that is stored beside the cache. `attention_free`: prefix caching is off by default.
    `model_dtype_only`: the class ignores --kv-cache-dtype. `image_tokens`: the least `max_num_batched_tokens` that one
    image needs when images are not chunked.
    """

    by_type: bool = False
    types: str = "declared"
    state: State | None = None
    geometry: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    window: str = "sliding_window"
    window_extra: int = 0
    index: str | None = None
    attention_free: bool = False
    layers: str = "num_hidden_layers"
    caches_per_layer: int = 1
    image_tokens: int = 0
    model_dtype_only: bool = False


DELTA = {
    "k_heads": "linear_num_key_heads",
    "v_heads": "linear_num_value_heads",
    "k_dim": "linear_key_head_dim",
    "v_dim": "linear_value_head_dim",
    "conv": "linear_conv_kernel_dim",
}
GRANITE = {
    "heads": "mamba_n_heads",
    "head_dim": "mamba_d_head",
    "groups": "mamba_n_groups",
    "state": "mamba_d_state",
    "conv": "mamba_d_conv",
    "inner": "mamba_d_ssm",
    "expand": "mamba_expand",
}
NEMOTRON = {
    "heads": "mamba_num_heads",
    "head_dim": "mamba_head_dim",
    "groups": "n_groups",
    "state": "ssm_state_size",
    "conv": "conv_kernel",
}
MAMBA2 = {
    "heads": "num_heads",
    "head_dim": "head_dim",
    "groups": "n_groups",
    "state": "state_size",
    "conv": "conv_kernel",
    "expand": "expand",
}
ZAMBA = {
    "heads": "n_mamba_heads",
    "head_dim": "mamba_headdim",
    "groups": "mamba_ngroups",
    "state": "mamba_d_state",
    "conv": "mamba_d_conv",
    "expand": "mamba_expand",
}
JAMBA = {"expand": "mamba_expand", "state": "mamba_d_state", "conv": "mamba_d_conv"}
MAMBA = {"inner": "intermediate_size", "expand": "expand", "state": "state_size", "conv": "conv_kernel"}
LFM2 = {"inner": "conv_dim", "conv": "conv_L_cache"}
LINEAR = {"heads": "num_attention_heads", "head_dim": "head_dim"}
GLOBAL_HEADS = {"full": {"head_dim": "global_head_dim", "num_key_value_heads": "num_global_key_value_heads"}}
SWA_HEADS = {
    "window": {
        "head_dim": "swa_head_dim",
        "num_key_value_heads": "swa_num_key_value_heads",
        "v_head_dim": "swa_v_head_dim",
        "num_attention_heads": "swa_num_attention_heads",
    }
}
STEP_HEADS = {
    "window": {
        "head_dim": "attention_other_setting.head_dim",
        "num_key_value_heads": "attention_other_setting.num_attention_groups",
        "num_attention_heads": "attention_other_setting.num_attention_heads",
    }
}

FAMILIES: dict[str, ModelClass] = {
    # one window, or none, for all layers
    "MistralForCausalLM": ModelClass(),
    "FalconForCausalLM": ModelClass(model_dtype_only=True),
    # a window in layers whose `layer_types` entry is sliding_attention
    "LlamaForCausalLM": ModelClass(by_type=True),
    "Cohere2ForCausalLM": ModelClass(by_type=True, window_extra=1),
    "GptOssForCausalLM": ModelClass(by_type=True, types="alternating"),
    "Gemma4ForCausalLM": ModelClass(by_type=True, geometry=GLOBAL_HEADS),
    "Gemma4ForConditionalGeneration": ModelClass(by_type=True, geometry=GLOBAL_HEADS, image_tokens=2496),
    "MiMoV2FlashForCausalLM": ModelClass(
        by_type=True, types="hybrid pattern", window="sliding_window_size", geometry=SWA_HEADS
    ),
    "Step3p5ForCausalLM": ModelClass(by_type=True, types="alternating unless declared", geometry=STEP_HEADS),
    "Llama4ForCausalLM": ModelClass(by_type=True, types="chunked"),
    # latent and sparse attention
    "DeepseekV3ForCausalLM": ModelClass(types="full"),
    "LongcatFlashForCausalLM": ModelClass(types="full", layers="num_layers", caches_per_layer=2),
    "DeepseekV32ForCausalLM": ModelClass(types="full", index="dsa"),
    "MiniMaxM3SparseForCausalLM": ModelClass(types="full", index="minimax"),
    # recurrent layers
    "Qwen3NextForCausalLM": ModelClass(types="every fourth", state=State("delta", DELTA)),
    "Qwen3_5ForCausalLM": ModelClass(types="every fourth", state=State("delta", DELTA, ("mamba_ssm_dtype", None))),
    "OlmoHybridForCausalLM": ModelClass(state=State("delta", DELTA)),
    "GraniteMoeHybridForCausalLM": ModelClass(types="mamba unless declared", state=State("mamba2", GRANITE)),
    "FalconH1ForCausalLM": ModelClass(types="both", state=State("mamba2", GRANITE)),
    "NemotronHForCausalLM": ModelClass(
        types="override pattern", state=State("mamba2", NEMOTRON, ("mamba_ssm_cache_dtype", "float32"))
    ),
    "Zamba2ForCausalLM": ModelClass(types="block types", state=State("mamba2", ZAMBA)),
    "JambaForCausalLM": ModelClass(types="period", state=State("mamba1", JAMBA)),
    "Lfm2ForCausalLM": ModelClass(types="attention indices", state=State("short_conv", LFM2)),
    "BailingMoeV2_5ForCausalLM": ModelClass(types="layer groups", state=State("linear", LINEAR)),
    "MambaForCausalLM": ModelClass(types="mamba", state=State("mamba1", MAMBA), attention_free=True),
    "Mamba2ForCausalLM": ModelClass(types="mamba", state=State("mamba2", MAMBA2), attention_free=True),
}

SAME_AS: dict[str, str] = {
    name: family
    for family, names in {
        "MistralForCausalLM": """
            BailingMoeForCausalLM BailingMoeV2ForCausalLM BloomForCausalLM ChatGLMModel ChatGLMForConditionalGeneration
            DeepseekForCausalLM Ernie4_5ForCausalLM Ernie4_5_MoeForCausalLM Ernie4_5_VLMoeForConditionalGeneration
            ExaoneForCausalLM GPT2LMHeadModel GPTJForCausalLM GemmaForCausalLM Glm4ForCausalLM
            Glm4MoeForCausalLM Glm4vForConditionalGeneration Glm4vMoeForConditionalGeneration
            GlmOcrForConditionalGeneration
            GraniteMoeSharedForCausalLM HYV3ForCausalLM HyperCLOVAXForCausalLM InternLM2ForCausalLM MiMoForCausalLM
            MiniCPMForCausalLM MiniMaxM2ForCausalLM MixtralForCausalLM NemotronForCausalLM OPTForCausalLM
            OlmoeForCausalLM OrionForCausalLM Param2MoEForCausalLM Phi3ForCausalLM Phi3VForCausalLM PhiMoEForCausalLM
            PixtralForConditionalGeneration Qwen2ForCausalLM Qwen2MoeForCausalLM Qwen2VLForConditionalGeneration
            Qwen2_5_VLForConditionalGeneration Qwen3ForCausalLM Qwen3MoeForCausalLM Qwen3OmniMoeForConditionalGeneration
            Qwen3VLForConditionalGeneration Qwen3VLMoeForConditionalGeneration SarvamMoEForCausalLM SolarForCausalLM
            StableLmForCausalLM TeleChat2ForCausalLM TeleFLMForCausalLM PaddleOCRVLForConditionalGeneration
            QianfanOCRForConditionalGeneration Qwen2_5OmniForConditionalGeneration Qwen2_5OmniModel
            Qwen3ASRForConditionalGeneration
            """,
        "LlamaForCausalLM": """
            AfmoeForCausalLM ApertusForCausalLM ArceeForCausalLM AriaForConditionalGeneration CohereForCausalLM
            CwmForCausalLM Exaone4ForCausalLM ExaoneMoEForCausalLM ExaoneMoeForCausalLM FlexOlmoForCausalLM
            GPTBigCodeForCausalLM GPTNeoXForCausalLM Gemma2ForCausalLM Gemma3ForCausalLM Gemma3ForConditionalGeneration
            Gemma3nForCausalLM Gemma3nForConditionalGeneration GlmForCausalLM GraniteForCausalLM GraniteMoeForCausalLM
            GraniteMoeSWAForCausalLM GraniteSWAForCausalLM HunYuanDenseV1ForCausalLM HunYuanMoEV1ForCausalLM
            IQuestCoderForCausalLM Idefics3ForConditionalGeneration InternLM3ForCausalLM InternVLChatModel
            InternVLForConditionalGeneration Jais2ForCausalLM LLaMAForCausalLM LagunaForCausalLM
            LlavaForConditionalGeneration LlavaNextForConditionalGeneration LlavaOnevisionForConditionalGeneration
            MellumForCausalLM Ministral3ForCausalLM Mistral3ForConditionalGeneration NanbeigeForCausalLM
            Olmo2ForCausalLM Olmo3ForCausalLM OlmoForCausalLM PaliGemmaForConditionalGeneration PhiForCausalLM
            Qwen2AudioForConditionalGeneration Rnj1ForCausalLM SeedOssForCausalLM SmolLM3ForCausalLM
            SmolVLMForConditionalGeneration Starcoder2ForCausalLM TeleChat3ForCausalLM VaultGemmaForCausalLM
            VoxtralForConditionalGeneration AudioFlamingo3ForConditionalGeneration Exaone4_5_ForConditionalGeneration
            GlmAsrForConditionalGeneration GraniteSpeechForConditionalGeneration
            GraniteSpeechPlusForConditionalGeneration LlavaNextVideoForConditionalGeneration
            """,
        "Cohere2ForCausalLM": "Cohere2MoeForCausalLM Cohere2VisionForConditionalGeneration",
        "Llama4ForCausalLM": "Llama4ForConditionalGeneration",
        "MiMoV2FlashForCausalLM": "MiMoV2ForCausalLM MiMoV2OmniForCausalLM",
        "Gemma4ForConditionalGeneration": "Gemma4UnifiedForConditionalGeneration",
        "DeepseekV3ForCausalLM": """
            AXK1ForCausalLM DeepseekV2ForCausalLM DeepseekVLV2ForCausalLM Glm4MoeLiteForCausalLM
            KimiK25ForConditionalGeneration
            KimiVLForConditionalGeneration MistralLarge3ForCausalLM PanguUltraMoEForCausalLM
            """,
        "DeepseekV32ForCausalLM": "GlmMoeDsaForCausalLM",
        "MiniMaxM3SparseForCausalLM": "MiniMaxM3SparseForConditionalGeneration",
        "Qwen3_5ForCausalLM": """
            Qwen3_5ForConditionalGeneration Qwen3_5MoeForCausalLM Qwen3_5MoeForConditionalGeneration
            MiniCPMV4_6ForConditionalGeneration MiniCPMV4_7ForConditionalGeneration
            """,
        "NemotronHForCausalLM": "NemotronHPuzzleForCausalLM",
        "Lfm2ForCausalLM": "Lfm2MoeForCausalLM Lfm2VlForConditionalGeneration",
        "MambaForCausalLM": "FalconMambaForCausalLM",
    }.items()
    for name in names.split()
}
