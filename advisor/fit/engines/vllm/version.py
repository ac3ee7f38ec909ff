"""What vLLM allocates for a model, from its config.json alone: the rules of vLLM 0.32.0, read from its own code.

`config` reads a config.json as transformers and vLLM do, `layers` says what each layer keeps per token or request,
`blocks` cuts that into pages and groups, `capacity` counts; `weights` and `overhead` say what is left for the cache.
"""

ENGINE_VERSION = "0.32.0"
COMPUTED_FOR = f"vLLM {ENGINE_VERSION}"  # as every prediction says it
