"""Seven ways to mix tokens, each (N, S, C) -> (N, S, C) on the normalised tokens of a square grid in raster order.

N images, S = grid_size**2 tokens, C channels. In a block they stand where the Mixer has its token-mixing MLP, and are
the only difference between the networks of `metaformer.py`. All but the first two treat every channel by itself and are
the same linear map for every image: `mixing_matrices` writes it down.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mixer_viz.model.mixer import Mlp

SHIFTED_SHARE = 12  # one channel in twelve moves each way


class TokenMlp(Mlp):
    """The Mixer's own (Tolstikhin et al. 2021): the same two matrices for every channel, width S, hidden D_S."""

    def forward(self, tokens: Tensor) -> Tensor:
        return super().forward(tokens.mT).mT  # along S: (N, C, S) and back


class SelfAttention(nn.Module):
    """Multi-head self-attention as in ViT (Dosovitskiy et al. 2020, Appendix A), without dropout.

    One linear layer makes queries, keys and values, in that order and head after head, another one puts the heads
    together: 4 C**2 + 4 C parameters. It does not know where a token stands; the network adds that once, before.
    """

    def __init__(self, embed_dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query_key_value = nn.Linear(embed_dim, 3 * embed_dim)
        self.projection = nn.Linear(embed_dim, embed_dim)

    def forward(self, tokens: Tensor) -> Tensor:
        attention, value = self._attend(tokens)
        mixed = attention @ value  # (N, heads, S, C / heads)
        projected: Tensor = self.projection(mixed.transpose(1, 2).flatten(2))  # (N, S, heads, C / heads) -> (N, S, C)
        return projected

    def attention(self, tokens: Tensor) -> Tensor:
        """How much of each token [s] every token [t] takes: (N, heads, S, S) at [n, head, t, s], rows sum to 1."""
        return self._attend(tokens)[0]

    def _attend(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Attention and values, (N, heads, S, S) and (N, heads, S, C / heads)."""
        split = self.query_key_value(tokens).unflatten(2, (3, self.num_heads, -1))  # (N, S, 3, heads, C / heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        # Written out: torch's fused form takes 3 to 6 times as long on a CPU without matrix units, backward included.
        return (query @ key.mT / math.sqrt(query.shape[-1])).softmax(dim=-1), value


class DepthwiseConvolution(nn.Conv2d):
    """One k x k filter per channel, zeros around the grid: ConvMixer (Trockman and Kolter 2022).

    C k**2 + C parameters. ConvMixer has a GELU and a norm behind it; here it stands alone, one fixed linear map.
    """

    def __init__(self, embed_dim: int, kernel_size: int, grid_size: int) -> None:
        super().__init__(embed_dim, embed_dim, kernel_size, padding="same", groups=embed_dim)
        self.grid_size = grid_size

    def forward(self, tokens: Tensor) -> Tensor:
        return super().forward(to_grid(tokens, self.grid_size)).flatten(2).mT


class SpatialShift(nn.Module):
    """Four groups of C // 12 channels move one step each, the rest stays: ShiftViT (Wang et al. 2022). No parameters.

    The first group moves left, so a token gets there what stood to its right; then right, up and down, in the order of
    the authors' code. What comes in over the border is zero. ShiftViT shifts in place, before the norm and the skip;
    here the skip is around it, as around every mixer. The idea is Wu et al. 2018, "Shift".
    """

    def __init__(self, embed_dim: int, grid: int | tuple[int, int]) -> None:
        super().__init__()
        self.grid = (grid, grid) if isinstance(grid, int) else grid  # rows and columns
        moving = embed_dim // SHIFTED_SHARE
        self.groups = (moving, moving, moving, moving, embed_dim - 4 * moving)

    def forward(self, tokens: Tensor) -> Tensor:
        grid = tokens.unflatten(1, self.grid)  # (N, rows, columns, C)
        left, right, up, down, rest = grid.split(self.groups, dim=-1)
        # Pads are counted from the last axis: channels, then columns, then rows.
        moved = (
            F.pad(left[:, :, 1:], (0, 0, 0, 1)),
            F.pad(right[:, :, :-1], (0, 0, 1, 0)),
            F.pad(up[:, 1:], (0, 0, 0, 0, 0, 1)),
            F.pad(down[:, :-1], (0, 0, 0, 0, 1, 0)),
            rest,
        )
        return torch.cat(moved, dim=-1).flatten(1, 2)


class NonLocalShift(nn.Module):
    """Channel c of token t comes from token (t + c) mod S: Shift-GCN (Cheng et al. 2020, section 3.2). No parameters.

    There the tokens are the joints of a skeleton, here the patches in raster order.
    """

    def forward(self, tokens: Tensor) -> Tensor:
        _, num_tokens, channels = tokens.shape
        token = torch.arange(num_tokens, device=tokens.device)[:, None]
        channel = torch.arange(channels, device=tokens.device)
        source = (token + channel) % num_tokens  # (S, C)
        return tokens.gather(1, source.expand_as(tokens))


class AveragePooling(nn.Module):
    """Mean over k x k tokens, less the token itself: PoolFormer (Yu et al. 2022, Algorithm 1). No parameters.

    At the border the mean is over the tokens that exist. The token is subtracted as there, since the skip around the
    mixer brings it along anyway.
    """

    def __init__(self, kernel_size: int, grid_size: int) -> None:
        super().__init__()
        self.kernel_size, self.grid_size = kernel_size, grid_size

    def forward(self, tokens: Tensor) -> Tensor:
        grid = to_grid(tokens, self.grid_size)
        mean = F.avg_pool2d(grid, self.kernel_size, 1, self.kernel_size // 2, count_include_pad=False)
        return mean.flatten(2).mT - tokens


def to_grid(tokens: Tensor, grid_size: int) -> Tensor:
    """(N, S, C) -> (N, C, rows, columns), a view."""
    grid: Tensor = tokens.mT.unflatten(2, (grid_size, grid_size))
    return grid


@torch.no_grad()
def mixing_matrices(mixer: nn.Module, num_tokens: int, embed_dim: int) -> Tensor:
    """A fixed linear mixer written as one matrix per channel: (C, S, S), at [c, t, s] what token t takes of token s.

    They are read off by mixing S inputs in which a single token is one; biases are left out. For a mixer that treats
    every channel by itself, so neither for `TokenMlp` nor for `SelfAttention`, which has `attention` instead. Raises
    ValueError for those.
    """
    if isinstance(mixer, TokenMlp | SelfAttention):
        raise ValueError(f"{type(mixer).__name__} is no fixed linear map, so it has no mixing matrices")
    weights = next(mixer.parameters(), torch.zeros(()))
    single = torch.eye(num_tokens, dtype=weights.dtype, device=weights.device)
    single = single[:, :, None].expand(-1, -1, embed_dim)  # (S inputs, S tokens, C)
    matrices: Tensor = (mixer(single) - mixer(torch.zeros_like(single))).permute(2, 1, 0)
    return matrices
