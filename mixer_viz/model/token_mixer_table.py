"""The token mixers side by side: where each comes from, what it costs, how far it reaches, how it is built."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from torch import nn

from mixer_viz.language import mark
from mixer_viz.model.costs import Cost, Costs, costs
from mixer_viz.model.metaformer_config import MetaFormerConfig, TokenMixerName
from mixer_viz.model.token_mixers import (
    AveragePooling,
    DepthwiseConvolution,
    NonLocalShift,
    SelfAttention,
    SpatialShift,
    TokenMlp,
)

Count = Callable[[MetaFormerConfig], int]


def _nothing(_: MetaFormerConfig) -> int:
    return 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class TokenMixer:
    """One row of the table. The counts are of one block and, for multiply-adds, one image.

    Multiply-adds are those of matrix products and filters, as in `costs`: sums without products, as pooling has them,
    count as none.
    """

    title: str
    source: str
    build: Callable[[MetaFormerConfig], nn.Module]
    reach: Count  # tokens that one token reads in one block, itself included, where the border does not cut them
    reach_in_words: str  # {k} stands for the side of the window
    parameters: Count = _nothing
    multiply_adds: Count = _nothing
    fixed_matrices: bool = True  # whether `mixing_matrices` says all of it, biases aside
    needs_positions: bool = False  # whether the network tells every token once where it is


def _all_tokens(config: MetaFormerConfig) -> int:
    return config.sizes.num_patches


def _window(config: MetaFormerConfig) -> int:
    return min(config.kernel_size, config.sizes.grid_size) ** 2


def _mlp(config: MetaFormerConfig) -> Cost:
    one_block = dataclasses.replace(config.sizes, num_blocks=1)
    return costs(one_block).token_mixing


def _attention_multiply_adds(config: MetaFormerConfig) -> int:
    tokens, channels = config.sizes.num_patches, config.sizes.embed_dim
    return 4 * tokens * channels**2 + 2 * tokens**2 * channels  # four projections; scores and their use


TOKEN_MIXERS: dict[TokenMixerName, TokenMixer] = {
    "mlp": TokenMixer(
        title=mark("MLP over tokens"),
        source="MLP-Mixer (Tolstikhin et al. 2021)",
        build=lambda config: TokenMlp(config.sizes.num_patches, config.sizes.tokens_mlp_dim, config.sizes.gelu),
        parameters=lambda config: _mlp(config).parameters,
        multiply_adds=lambda config: _mlp(config).multiply_adds,
        reach=_all_tokens,
        reach_in_words=mark("all tokens"),
        fixed_matrices=False,
    ),
    "attention": TokenMixer(
        title=mark("self-attention"),
        source="ViT (Dosovitskiy et al. 2020)",
        build=lambda config: SelfAttention(config.sizes.embed_dim, config.num_heads),
        parameters=lambda config: 4 * config.sizes.embed_dim**2 + 4 * config.sizes.embed_dim,
        multiply_adds=_attention_multiply_adds,
        reach=_all_tokens,
        reach_in_words=mark("all tokens"),
        fixed_matrices=False,
        needs_positions=True,
    ),
    "convolution": TokenMixer(
        title=mark("depthwise convolution"),
        source="ConvMixer (Trockman and Kolter 2022)",
        build=lambda config: DepthwiseConvolution(config.sizes.embed_dim, config.kernel_size, config.sizes.grid_size),
        parameters=lambda config: config.sizes.embed_dim * (config.kernel_size**2 + 1),
        multiply_adds=lambda config: config.sizes.num_patches * config.sizes.embed_dim * config.kernel_size**2,
        reach=_window,
        reach_in_words=mark("{k} × {k} tokens"),
    ),
    "shift": TokenMixer(
        title=mark("spatial shift"),
        source=mark("ShiftViT (Wang et al. 2022), after Shift (Wu et al. 2018)"),
        build=lambda config: SpatialShift(config.sizes.embed_dim, config.sizes.grid_size),
        reach=lambda config: 1 + 2 * (min(3, config.sizes.grid_size) - 1),
        reach_in_words=mark("1 step each way"),
    ),
    "nonlocal_shift": TokenMixer(
        title=mark("non-local shift"),
        source="Shift-GCN (Cheng et al. 2020)",
        build=lambda config: NonLocalShift(),
        reach=lambda config: min(config.sizes.num_patches, config.sizes.embed_dim),
        reach_in_words=mark("all tokens, one per channel"),
    ),
    "pooling": TokenMixer(
        title=mark("average pooling"),
        source="PoolFormer (Yu et al. 2022)",
        build=lambda config: AveragePooling(config.kernel_size, config.sizes.grid_size),
        reach=_window,
        reach_in_words=mark("{k} × {k} tokens"),
    ),
    "identity": TokenMixer(
        title=mark("no mixing"),
        source=mark("control"),
        build=lambda config: nn.Identity(),
        reach=lambda config: 1,
        reach_in_words=mark("none"),
    ),
}


def metaformer_costs(config: MetaFormerConfig) -> Costs:
    """`costs` of the network with this token mixer; a position embedding counts with the stem."""
    mixer, sizes = TOKEN_MIXERS[config.token_mixer], config.sizes
    mixer_costs = Cost(sizes.num_blocks * mixer.parameters(config), sizes.num_blocks * mixer.multiply_adds(config))
    positions = Cost(sizes.num_patches * sizes.embed_dim if mixer.needs_positions else 0, 0)
    plain = costs(sizes)
    return dataclasses.replace(plain, stem=plain.stem + positions, token_mixing=mixer_costs)


def matched_channels_mlp_dim(config: MetaFormerConfig, multiple_of: int = 8) -> int:
    """D_C with which this network has nearest to as many parameters as the Mixer of the same sizes.

    What the token mixer leaves over goes to channel mixing. D_C is a multiple of `multiple_of`, which matrix products
    like; one step of it is (2 C + 1) parameters per block and unit. At least one multiple, even where that is too much.
    """
    sizes = config.sizes
    excess = metaformer_costs(config).total.parameters - costs(sizes).total.parameters
    exact = sizes.channels_mlp_dim - excess / (sizes.num_blocks * (2 * sizes.embed_dim + 1))
    return max(1, round(exact / multiple_of)) * multiple_of
