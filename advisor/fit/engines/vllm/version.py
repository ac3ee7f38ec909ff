"""Memory model of vLLM 0.32.0 from a model's config.json alone; the rules are read from its source.

`config` reads a config.json as transformers and vLLM do, `cache_layers` gives the cache of each layer per token or
request, `kv_blocks` cuts that into pages and groups, `capacity` counts blocks; `loaded_weights` and `overhead` give
what is left for the cache.
"""

ENGINE_VERSION = "0.32.0"
COMPUTED_FOR = f"vLLM {ENGINE_VERSION}"  # label shown with every prediction
