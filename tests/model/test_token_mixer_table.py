"""What the table says of every token mixer, counted and measured again on the network that it builds."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mixer_viz.model import TOKEN_MIXERS, MetaFormer, MetaFormerConfig, MixerConfig
from mixer_viz.model.costs import costs
from mixer_viz.model.metaformer_config import TOKEN_MIXER_NAMES
from mixer_viz.model.token_mixer_table import matched_channels_mlp_dim, metaformer_costs
from tests.model.made_metaformers import config_of, random_network, random_tokens, with_sizes

NAMES = list(TOKEN_MIXERS)
FREE = ("shift", "nonlocal_shift", "pooling", "identity")
USUAL = MixerConfig(
    image_size=32,
    patch_size=4,
    embed_dim=128,
    num_blocks=6,
    tokens_mlp_dim=256,
    channels_mlp_dim=256,
    num_classes=10,
)


def test_the_table_has_every_mixer_that_a_config_may_name() -> None:
    assert set(TOKEN_MIXERS) == set(TOKEN_MIXER_NAMES)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("mlp", 2 * 64 * 256 + 256 + 64),
        ("attention", 4 * 128**2 + 4 * 128),
        ("convolution", 128 * 9 + 128),
        *((name, 0) for name in FREE),
    ],
)
def test_parameters_of_one_mixer_by_the_formulas(name: str, parameters: int) -> None:
    config = config_of(name, num_heads=4, sizes=USUAL)
    assert TOKEN_MIXERS[config.token_mixer].parameters(config) == parameters
    with torch.device("meta"):
        built = TOKEN_MIXERS[config.token_mixer].build(config)
    assert sum(parameter.numel() for parameter in built.parameters()) == parameters


@pytest.mark.parametrize("name", NAMES)
def test_parameters_of_the_whole_network(name: str) -> None:
    config = config_of(name)
    counted = metaformer_costs(config)
    by_part = {"stem": 0, "token_mixing": 0, "channel_mixing": 0, "norms": 0, "head": 0}
    for parameter_name, parameter in MetaFormer(config).named_parameters():
        kept = [part for part in by_part if part in parameter_name]
        part = "norms" if "norm" in parameter_name else kept[0] if kept else "stem"
        by_part[part] += parameter.numel()
    assert {part: getattr(counted, part).parameters for part in by_part} == by_part


@pytest.mark.parametrize("name", NAMES)
def test_multiply_adds_are_half_of_the_operations_that_torch_counts(name: str) -> None:
    config = config_of(name)
    counted = metaformer_costs(config)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        MetaFormer(config).eval()(torch.zeros(1, 3, 12, 12))
    assert counter.get_total_flops() == 2 * counted.total.multiply_adds


def tokens_read(config: MetaFormerConfig) -> int:
    """Most tokens that any token reads, from the derivative of every token's channels with respect to all tokens."""
    mixer = random_network(config).blocks[0].token_mixing
    tokens = random_tokens(1, config.sizes.embed_dim, config.sizes.num_patches).requires_grad_()
    weights = random_tokens(1, config.sizes.embed_dim, 1, seed=7)[0, 0]
    read = []
    for mixed in mixer(tokens)[0] @ weights:
        (gradient,) = torch.autograd.grad(mixed, tokens, retain_graph=True)
        read.append(int(gradient[0].abs().amax(dim=1).gt(1e-12).sum()))
    return max(read)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("changes", [{}, {"image_size": 6}, {"embed_dim": 12}])
def test_the_reach_is_the_support_of_the_jacobian(name: str, changes: dict[str, int]) -> None:
    config = with_sizes(config_of(name), **changes)
    assert TOKEN_MIXERS[config.token_mixer].reach(config) == tokens_read(config)


@pytest.mark.parametrize("name", ["convolution", "pooling"])
def test_a_larger_kernel_reaches_further(name: str) -> None:
    config = with_sizes(config_of(name, kernel_size=5), image_size=18)
    assert TOKEN_MIXERS[config.token_mixer].reach(config) == tokens_read(config) == 25


def test_only_attention_is_told_positions() -> None:
    assert [name for name in NAMES if MetaFormer(config_of(name)).position_embedding is not None] == ["attention"]


@pytest.mark.parametrize("name", NAMES)
def test_the_matched_width_gives_as_many_parameters_as_the_mixer_has(name: str) -> None:
    config, target = config_of(name, num_heads=4, sizes=USUAL), costs(USUAL).total.parameters

    def distance(channels_mlp_dim: int) -> int:
        return abs(metaformer_costs(with_sizes(config, channels_mlp_dim=channels_mlp_dim)).total.parameters - target)

    width = matched_channels_mlp_dim(config)
    assert width % 8 == 0
    assert distance(width) < 0.05 * target
    assert distance(width) <= min(distance(width - 8), distance(width + 8))
    if name == "mlp":
        assert width == USUAL.channels_mlp_dim


def test_a_mixer_that_is_too_large_by_itself_gets_the_narrowest_width() -> None:
    config = config_of("attention", sizes=USUAL, num_heads=4)
    assert matched_channels_mlp_dim(with_sizes(config, tokens_mlp_dim=1, channels_mlp_dim=1)) == 8
