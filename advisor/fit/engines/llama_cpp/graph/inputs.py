"""Graph inputs, which the caller fills on the host before each run, and zero-filled leaves."""

from __future__ import annotations

from advisor.fit.engines.llama_cpp.graph.run import PLAIN, Run, index_values
from advisor.fit.engines.llama_cpp.graph.trace import FLOAT, INDEX, INTEGER, Trace
from advisor.fit.layer_groups import Kinds

TURNS = 64  # smallest side of the matrix that rotates keys and values before quantisation


def unmasked(run: Run) -> list[tuple[int, int]]:
    """Blocks with sparse attention over cells chosen by an indexer, and the bytes of zeros that open their mask."""
    most, layers = run.sizes.graph["facts"]["top_k"], run.sizes.layers
    if not most:
        return []
    row = FLOAT * run.size.tokens
    first = next((il for il, x in enumerate(layers) if index_values(run, x)), len(layers))
    sparse = [il for il, x in enumerate(layers) if index_values(run, x) or (il > first and x.window is None)]
    return [(il, row * min(most, run.size.of(layers[il].window))) for il in sparse if layers[il].matrices]


def graph_inputs(run: Run, t: Trace) -> dict[str, int]:
    """Graph inputs by name, in the engine's order.

    A batch may consist of tokens, of embeddings, or of both (`build_inp_embd`): inputs for all of them are allocated.
    """
    sizes, size, u, facts = run.sizes, run.size, run.size.tokens, run.sizes.graph["facts"]
    made = {
        "tokens": t.given(INTEGER * u),
        "tokens of both": t.given(INTEGER * u),
        "rows": t.given(FLOAT * u * run.wide),
        "places of both": t.given(INDEX * u),
        "rows of both": t.given(FLOAT * u * run.wide),
    }
    if facts["scaled_embedding"]:
        made["scale of rows"] = t.given(FLOAT * u)
    made["positions"] = t.given(INTEGER * u * facts["axes"])
    if facts["scaled_query"]:
        made["scale"] = t.given(FLOAT * u)
    kinds = Kinds.of(sizes.layers).distinct
    widest = max(layer.v_elements for layer in kinds)
    for layer in kinds:
        if f"mask {layer.window}" in made or not (layer.k_elements or facts["cacheless"]):
            continue
        word = 2 if run.flash else FLOAT
        if facts["cacheless"]:
            made[f"mask {layer.window}"] = t.given(word * u * u)
            continue
        made[f"k_rows {layer.window}"] = t.given(INDEX * u)
        made[f"v_rows {layer.window}"] = t.given(INDEX * u * (1 if run.flash else widest))
        made[f"mask {layer.window}"] = t.given(word * u * size.of(layer.window))
        head = sizes.graph["blocks"][layer.block]["head"]
        for which, kind in run.kv_types.items():
            if kind not in PLAIN and head % TURNS == 0:
                side = head & -head if which == "k" else TURNS
                made[f"rotation_{which} {layer.window}"] = t.given(FLOAT * side * side)
    for layer in (layer for layer in kinds if index_values(run, layer)):
        made["rows of index"] = t.given(INDEX * u)
        made["mask of index"] = t.given(2 * u * size.of(layer.window))
        side = facts["index"] & -facts["index"]
        made["rotation of index"] = t.given(FLOAT * side * side)
        break
    if any(layer.state_conv for layer in kinds):
        made["sequences"] = t.given(INTEGER * size.slots)
        made["ordered"] = t.given(INTEGER * size.slots)
        made["left"] = t.given(INTEGER * (size.slots - 1))
    made["asked"] = t.given(INTEGER * run.rows)
    return made
