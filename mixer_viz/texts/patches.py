"""Words and equations of the Patch tokenization page, in the numbers of the model that is shown."""

from __future__ import annotations

from collections.abc import Sequence

from mixer_viz.model import MixerConfig
from mixer_viz.model.costs import PatchSizeOption
from mixer_viz.model.wording import by, in_pixels

LIMITS = """
- Similar embeddings mean similar pixels here, nothing more: no token has seen another one yet.
- That a patch can be rebuilt from its token shows what the first layer keeps, not what later layers use.
- Each filter is drawn on its own scale: a weak one looks as strong as a strong one. Hover reads its length.
"""


def patch_position(config: MixerConfig, token: int) -> str:
    """Where a patch is in the grid, the crop and the token matrix."""
    rows, columns = config.grid_shape
    row, column = divmod(token, columns)
    side = config.patch_size
    return (
        f"**Patch {token}** is in row {row}, column {column} of the {rows} × {columns} grid (all "
        f"counted from 0): pixels {row * side} to {(row + 1) * side - 1} down, {column * side} to "
        f"{(column + 1) * side - 1} across. Its place in the sequence: {row} × {columns} + {column} = {token}."
    )


def rebuilding(rank: int, patch_dim: int, embed_dim: int, error: float) -> str:
    """What the pseudo-inverse says of the patch embedding."""
    kept = (
        "nothing of a patch is lost, and the picture rebuilt from the tokens is the crop itself"
        if rank == patch_dim
        else f"the other {patch_dim - rank} are lost before the first block"
    )
    shown = f"{error:.2g}, rounding alone" if error < 1e-6 else f"{error:.2g}"
    return (
        f"What the linear layer keeps: {rank} of the {patch_dim} directions of a patch ({embed_dim} channels), so "
        f"{kept}. Rebuilt as $\\hat x = W^+(e - b)$; over the whole crop, $|x - \\hat x| / |x|$ = {shown}."
    )


def patch_size_table(options: Sequence[PatchSizeOption]) -> dict[str, list[str]]:
    """What other patch sizes would cost, as columns of a table."""
    return {
        "P": [f"{option.patch_size}{' (this model)' if option.is_own else ''}" for option in options],
        "tokens S": [f"{by(option.grid_shape)} = {option.num_patches:,}" for option in options],
        "numbers per patch": [f"{option.patch_dim:,}" for option in options],
        "token-mixing parameters": [f"{option.token_mixing_parameters:,}" for option in options],
        "of all parameters": [
            f"{100 * option.token_mixing_parameters / option.parameters:.1f} %" for option in options
        ],
        "token-mixing multiply-adds": [f"{option.token_mixing_multiply_adds / 1e6:,.1f} M" for option in options],
        "all multiply-adds": [f"{option.multiply_adds / 1e6:,.1f} M" for option in options],
    }


def other_sizes(config: MixerConfig) -> str:
    """Why the weights fix S, and that D_S is another number."""
    tokens = config.num_patches
    return (
        f"These weights cannot simply be used with another $S$: every $W_1$ of this model has {tokens} columns and "
        f"every $W_2$ has {tokens} rows, one for each patch, so {tokens} tokens are read, no more and no fewer, and a "
        f"{in_pixels(config.image_shape)} Mixer cannot read a larger picture without scaling it down. The hidden "
        f"width $D_S$ = {config.tokens_mlp_dim} is another number, free to choose, and does not depend on $S$."
    )


def embedding_equation(config: MixerConfig) -> str:
    """The patch embedding with this model's sizes."""
    side, (height, width), times = config.patch_size, config.image_shape, r"\times"
    count = f"({height} / {side})^2" if height == width else rf"({height} / {side}) \times ({width} / {side})"
    return rf"""
The crop of ${by(config.image_shape, times)}$ pixels is cut into $S = {count} = {config.num_patches}$ patches in raster
order. Each is flattened to a vector $x$ of $P^2 \cdot 3 = {config.patch_dim}$ numbers and embedded by the
same linear layer:

$$e = W x + b, \qquad W:\ C \times 3P^2 = {config.embed_dim} \times {config.patch_dim}$$

In code this is a convolution with kernel and stride $P = {side}$. The tokens are the rows of $X$, ${config.num_patches}
\times {config.embed_dim}$. Nothing marks where a patch was: token mixing has a weight of its own for every position.
"""
