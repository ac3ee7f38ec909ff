from __future__ import annotations

import pytest

from advisor.fit.engines.vllm.cache_layers import Cache, Layer
from advisor.fit.engines.vllm.config import NotServed
from advisor.fit.engines.vllm.device import Card
from advisor.fit.engines.vllm.kv_blocks import Group, Spec, block_size, cache_groups, cache_specs

HOPPER, AMPERE, BLACKWELL = (Card("card", 80 << 30, (major, 0)) for major in (9, 8, 10))
CPU = Card("cpu", 0, None)
FULL, WINDOW = Layer("full", 4096), Layer("window", 4096, span=1024)


def cache(*layers: Layer, **more: object) -> Cache:
    given = {"is_latent": False, "is_fp8": False, "widest_head": 128, "aligned_by": 4096, "index": None} | more
    return Cache(layers=layers, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("held", "card", "tokens"),
    [
        (cache(FULL), HOPPER, 16),
        (cache(FULL), CPU, 128),
        (cache(FULL, is_latent=True), CPU, 16),
        (cache(FULL, is_latent=True), HOPPER, 16),
        (cache(FULL, is_latent=True, is_fp8=True), HOPPER, 64),
        (cache(FULL, is_latent=True), BLACKWELL, 32),
        (cache(FULL, index="dsa"), HOPPER, 64),
        (cache(FULL, index="minimax"), HOPPER, 128),
        (cache(FULL, widest_head=512, is_fp8=True), HOPPER, 64),
        (cache(FULL, widest_head=512, is_fp8=True), AMPERE, 16),
    ],
)
def test_a_block_has_the_tokens_that_the_models_kernels_read(held: Cache, card: Card, tokens: int) -> None:
    assert block_size(held, card) == tokens


def test_pages_of_attention_grow_until_one_holds_a_state() -> None:
    state = Layer("state", 200_000, blocks=1)
    full, kept = cache_specs(cache(FULL, state), HOPPER)
    assert full.block % 16 == 0
    assert full.page == full.block * 4096 == kept.page >= state.size
    assert (full.block - 16) * 4096 < state.size


def test_layers_of_one_kind_share_one_table_and_each_has_its_page_in_it() -> None:
    [group] = cache_groups(cache_specs(cache(FULL, FULL, Layer("full", 1024)), HOPPER), hybrid_manager=True)
    assert group.width == 16 * (4096 + 4096 + 1024)
    assert len(group.specs) == 2


@pytest.mark.parametrize(
    ("full", "window", "widths"),
    [
        (2, 10, [2, 2, 2, 2, 2, 2]),  # five groups of two windows, one of the two full
        (4, 5, [4, 5]),  # padded: one more is cheaper than groups of one
        (1, 1, [1, 1]),
    ],
)
def test_layers_of_two_kinds_lie_in_groups_of_about_equal_size(full: int, window: int, widths: list[int]) -> None:
    found = cache_groups(cache_specs(cache(*(FULL,) * full, *(WINDOW,) * window), HOPPER), hybrid_manager=True)
    assert sorted(group.width // (16 * 4096) for group in found) == widths


def test_without_the_hybrid_manager_windows_are_kept_whole() -> None:
    specs = cache_specs(cache(FULL, WINDOW), HOPPER)
    assert cache_groups(specs, hybrid_manager=False) == [Group((specs[0],), 2 * specs[0].page)]
    with pytest.raises(NotServed, match="without its hybrid cache manager"):
        cache_groups(cache_specs(cache(WINDOW, Layer("chunk", 4096, span=8192)), HOPPER), hybrid_manager=False)


def test_smaller_pages_get_more_tokens_and_pages_that_do_not_divide_are_padded_or_refused() -> None:
    specs = [Spec(FULL, 16, 16 * 4096), Spec(Layer("window", 1024, span=512), 16, 16 * 1024)]
    assert {spec.block for group in cache_groups(specs, hybrid_manager=True) for spec in group.specs} == {16, 64}
    odd = [Spec(FULL, 16, 16 * 4096), Spec(Layer("window", 1000, span=512), 16, 16 * 1000)]
    assert {group.width for group in cache_groups(odd, hybrid_manager=True)} == {16 * 4096}
    latent = [Spec(WINDOW, 16, 16 * 4096), Spec(Layer("latent", 1000), 16, 16 * 1000)]
    with pytest.raises(NotServed, match="to one size"):
        cache_groups(latent, hybrid_manager=True)
