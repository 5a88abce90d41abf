"""What mixing costs as the number of tokens grows, counted from the config alone; C stays the same throughout.

Counts are of one token mixer in one block and, for multiply-adds, one image; they are those of `mixer_viz.model`, so
sums without products, which shift, pooling and identity consist of, count as none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from mixer_viz.model import TOKEN_MIXERS, MetaFormerConfig
from mixer_viz.model.metaformer_config import TokenMixerName
from mixer_viz.model.token_mixer_table import metaformer_costs

HiddenWidth = Literal["kept", "grows"]


@dataclasses.dataclass(frozen=True)
class CostCurve:
    """One token mixer on G grids of growing side.

    For the MLP there are two: with D_S kept, which the paper points out is a free choice (Tolstikhin et al. 2021,
    section 2), each token costs the same however many there are; with D_S growing as S does, each costs more.
    """

    token_mixer: TokenMixerName
    hidden_width: HiddenWidth | None  # what becomes of the MLP's D_S; None for all others, which have none
    tokens: np.ndarray  # (G,) int64, S
    parameters: np.ndarray  # (G,) int64
    multiply_adds: np.ndarray  # (G,) int64, per image

    @property
    def multiply_adds_per_token(self) -> np.ndarray:
        """(G,) float64."""
        per_token: np.ndarray = self.multiply_adds / self.tokens
        return per_token


@dataclasses.dataclass(frozen=True)
class MixingShare:
    """What part of a whole network's multiply-adds, head included, goes into its token mixers; both 0 to 1."""

    token_mixers: float  # all that stands where the Mixer has its token-mixing MLP
    across_locations: float  # the same without attention's four projections, each of which stays inside a location


def cost_growth(config: MetaFormerConfig, grids: Sequence[int]) -> tuple[CostCurve, ...]:
    """Parameters and multiply-adds of every token mixer on grids of these sides, in the order of the table.

    Args:
        config: its C, P, D_S, S (from which D_S grows) and kernel size hold for all; its own mixer does not matter.
        grids: patches along one side, each at least 1.
    Raises ValueError for no grid or one below 1, and for a C too small to be shifted.
    """
    if not grids:
        raise ValueError("the growth of the cost needs at least one grid, got none")
    curves: dict[tuple[str, HiddenWidth | None], list[MetaFormerConfig]] = {}
    for grid in grids:
        for one, hidden_width in mixers_on_grid(config, grid):
            curves.setdefault((one.token_mixer, hidden_width), []).append(one)
    return tuple(_curve(configs, hidden_width) for (_, hidden_width), configs in curves.items())


def mixers_on_grid(config: MetaFormerConfig, grid: int) -> Iterator[tuple[MetaFormerConfig, HiddenWidth | None]]:
    """Every token mixer of the table, and the MLP twice, on a grid of this side; C and P are those of `config`.

    Attention keeps the config's heads where they divide C and has one head otherwise, which costs as much.
    Raises ValueError for a grid below 1 and for a C too small to be shifted.
    """
    if grid < 1:
        raise ValueError(f"a grid of {grid} must have at least 1 token along each side")
    sizes = dataclasses.replace(config.sizes, image_size=grid * config.sizes.patch_size)
    grown = max(1, round(sizes.tokens_mlp_dim * sizes.num_patches / config.sizes.num_patches))
    heads = config.num_heads if sizes.embed_dim % config.num_heads == 0 else 1
    for name in TOKEN_MIXERS:
        one = dataclasses.replace(config, sizes=sizes, token_mixer=name, num_heads=heads)
        yield one, "kept" if name == "mlp" else None
        if name == "mlp":
            yield dataclasses.replace(one, sizes=dataclasses.replace(sizes, tokens_mlp_dim=grown)), "grows"


def mixing_share(config: MetaFormerConfig) -> MixingShare:
    """How much of the network's work is token mixing; `Costs` has the share without the head.

    A network without multiply-adds in its token mixers has 0, though it moves numbers, too.
    """
    counted, sizes = metaformer_costs(config), config.sizes
    mixing, total = counted.token_mixing.multiply_adds, counted.total.multiply_adds
    projections = 0
    if config.token_mixer == "attention":
        projections = sizes.num_blocks * 4 * sizes.num_patches * sizes.embed_dim**2
    return MixingShare(mixing / total, (mixing - projections) / total)


def _curve(configs: Sequence[MetaFormerConfig], hidden_width: HiddenWidth | None) -> CostCurve:
    mixer = TOKEN_MIXERS[configs[0].token_mixer]
    return CostCurve(
        token_mixer=configs[0].token_mixer,
        hidden_width=hidden_width,
        tokens=np.array([one.sizes.num_patches for one in configs], np.int64),
        parameters=np.array([mixer.parameters(one) for one in configs], np.int64),
        multiply_adds=np.array([mixer.multiply_adds(one) for one in configs], np.int64),
    )
