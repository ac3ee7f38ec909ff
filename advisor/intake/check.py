"""Checks that a configuration accounts for the tensors in its repository. A mismatch is not imported."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from advisor.fit.architectures.computed_header import parameters
from advisor.fit.architectures.dimensions import UnknownLayout
from advisor.fit.architectures.parameter_check import settled
from catalog.safetensors import Stored

CLOSE = 0.0005  # a larger difference is stated in a sentence
ROOM_ABOVE = 0.005  # allows for padded vocabularies
MISSING = 0.03  # allows for pooling layers, buffers and heads that a layout leaves out
TOWER = re.compile(
    r"(^|\.)(visual|vision_\w+|audio_\w+|multi_modal_projector|mm_projector|embed_vision|embed_audio|image_newline|mlp1)\."
)
DRAFT = re.compile(r"(^|\.)mtp\.")
LAYER = re.compile(r"(^|\.)layers\.(\d+)\.")
# Not parameters: scales of quantized types, and buffers derived from the configuration.
BESIDE = re.compile(r"(_scale_inv|_scales?|_scale_2|_zero_point|qzeros|g_idx|inv_freq|masked_bias|_shape)$")
PACKED = frozenset({"U8", "I8", "I32", "U32", "F4", "F6_E2M3"})
HEAD = re.compile(r"(^|\.)(lm_head|embed_out)\.weight$")


class ImportRefused(Exception):
    """The import is refused; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Count:
    """Parameter counts of a repository's tensors by purpose. `packed`: one element may hold several values."""

    text: int = 0
    tower: int = 0
    drafts: int = 0
    head: int = 0  # included in `text`
    packed: bool = False

    @property
    def total(self) -> int:
        return self.text + self.tower + self.drafts


def count_tensors(tensors: Iterable[Stored], layers: int, drafting: int = 0) -> Count:
    """Count the tensors of a model with so many `layers`; the `drafting` blocks after them only draft tokens."""
    text = tower = drafts = head = 0
    packed = False
    for tensor in tensors:
        if BESIDE.search(tensor.name):
            continue
        packed |= tensor.dtype in PACKED and len(tensor.shape) > 1
        layer = LAYER.search(tensor.name)
        if TOWER.search(tensor.name):
            tower += tensor.values
        elif DRAFT.search(tensor.name) or (layer and layers <= int(layer[2]) < layers + drafting):
            drafts += tensor.values
        else:
            text += tensor.values
            head += tensor.values if HEAD.search(tensor.name) else 0
    return Count(text, tower, drafts, head, packed)


@dataclass(frozen=True, slots=True)
class Agreement:
    """The facts completed from the tensors, the published total, and how well both agree in one sentence.

    `active` is None where the layout is unknown.
    """

    architecture: dict[str, Any]
    total: int
    active: int | None
    sentence: str


def agreement(facts: dict[str, Any], count: Count) -> Agreement:
    """Compares configuration and tensors. Raises ImportRefused when they describe different models."""
    if not count.text:
        raise ImportRefused("The repository's safetensors files hold no text model.")
    known = {**facts, "tie": not count.head if facts["tie"] is None else facts["tie"]}
    if count.tower:
        known |= {"vision": True, "vision_params": count.tower}
    if not count.head and not known["tie"]:
        known["lm_head"] = False
    copy = count.head if known["tie"] else 0  # a tied head that is stored nevertheless
    text = count.text - copy
    try:
        if count.packed:
            return _by_configuration(known, count)
        known = settled(known, text)
        computed, active = parameters(known)
    except UnknownLayout as error:
        if "add up to" in str(error):
            raise ImportRefused(
                f"The configuration does not describe the files: {str(error)[0].lower()}{str(error)[1:]}"
            ) from error
        return Agreement(known, count.total, None, f"{error} The model is listed, and nothing is promised of it.")
    except ArithmeticError as error:
        raise ImportRefused("The configuration states a width or period of zero, which cannot be.") from error
    off = computed / text - 1
    if abs(off) <= CLOSE:
        return Agreement(known, count.total, active, "verified: recomputed total equals safetensors total")
    if not -MISSING <= off <= ROOM_ABOVE:
        raise ImportRefused(f"The configuration describes {computed:,} parameters, but the files hold {text:,}.")
    sentence = (
        f"The configuration accounts for {computed:,} of the {text:,} parameters that the files hold, {off:+.2%}."
    )
    return Agreement(known, count.total, active, sentence)


def _by_configuration(known: dict[str, Any], count: Count) -> Agreement:
    computed, active = parameters(known)
    sentence = (
        f"The weights are stored packed, so the {computed:,} parameters are those of the configuration, unchecked."
    )
    return Agreement(known, computed + count.tower, active, sentence)
