"""Words and equations of the Patch tokenization page, in the numbers of the model that is shown."""

from __future__ import annotations

from collections.abc import Sequence

from mixer_viz.language import mark, tr
from mixer_viz.model import MixerConfig
from mixer_viz.model.costs import PatchSizeOption
from mixer_viz.model.wording import by, in_pixels

LIMITS = mark("""
- Similar embeddings mean similar pixels here, nothing more: no token has seen another one yet.
- That a patch can be rebuilt from its token shows what the first layer keeps, not what later layers use.
- Each filter is drawn on its own scale: a weak one looks as strong as a strong one. Hover reads its length.
""")


def patch_position(config: MixerConfig, token: int) -> str:
    """Where a patch is in the grid, the crop and the token matrix."""
    rows, columns = config.grid_shape
    row, column = divmod(token, columns)
    side = config.patch_size
    return tr(
        "**Patch {token}** is in row {row}, column {column} of the {rows} × {columns} grid (all counted from 0): "
        "pixels {top} to {bottom} down, {left} to {right} across. Its place in the sequence: {row} × {columns} + "
        "{column} = {token}.",
        token=token,
        row=row,
        column=column,
        rows=rows,
        columns=columns,
        top=row * side,
        bottom=(row + 1) * side - 1,
        left=column * side,
        right=(column + 1) * side - 1,
    )


def embedding_shape(channels: int, length: float) -> str:
    """Beside the title of one token."""
    return tr("C = {channels} numbers, length {length:.3g}", channels=channels, length=length)


def rebuilding(rank: int, patch_dim: int, embed_dim: int, error: float) -> str:
    """What the pseudo-inverse says of the patch embedding."""
    shown = tr("{error:.2g}, rounding alone", error=error) if error < 1e-6 else f"{error:.2g}"
    if rank == patch_dim:
        return tr(
            "What the linear layer keeps: {rank} of the {directions} directions of a patch ({channels} channels), so "
            "nothing of a patch is lost, and the picture rebuilt from the tokens is the crop itself. Rebuilt as "
            "$\\hat x = W^+(e - b)$; over the whole crop, $|x - \\hat x| / |x|$ = {error}.",
            rank=rank,
            directions=patch_dim,
            channels=embed_dim,
            error=shown,
        )
    return tr(
        "What the linear layer keeps: {rank} of the {directions} directions of a patch ({channels} channels), so the "
        "other {lost} are lost before the first block. Rebuilt as $\\hat x = W^+(e - b)$; over the whole crop, "
        "$|x - \\hat x| / |x|$ = {error}.",
        rank=rank,
        directions=patch_dim,
        channels=embed_dim,
        lost=patch_dim - rank,
        error=shown,
    )


def patch_size_table(options: Sequence[PatchSizeOption]) -> dict[str, list[str]]:
    """What other patch sizes would cost, as columns of a table."""
    return {
        "P": [
            tr("{size} (this model)", size=option.patch_size) if option.is_own else str(option.patch_size)
            for option in options
        ],
        tr("tokens S"): [f"{by(option.grid_shape)} = {option.num_patches:,}" for option in options],
        tr("numbers per patch"): [f"{option.patch_dim:,}" for option in options],
        tr("token-mixing parameters"): [f"{option.token_mixing_parameters:,}" for option in options],
        tr("of all parameters"): [
            tr("{value:.1f} %", value=100 * option.token_mixing_parameters / option.parameters) for option in options
        ],
        tr("token-mixing multiply-adds"): [_millions(option.token_mixing_multiply_adds) for option in options],
        tr("all multiply-adds"): [_millions(option.multiply_adds) for option in options],
    }


def _millions(count: float) -> str:
    return tr("{millions:,.1f} M", millions=count / 1e6)


def other_sizes(config: MixerConfig) -> str:
    """Why the weights fix S, and that D_S is another number."""
    return tr(
        "These weights cannot simply be used with another $S$: every $W_1$ of this model has {tokens} columns and "
        "every $W_2$ has {tokens} rows, one for each patch, so {tokens} tokens are read, no more and no fewer, and a "
        "{pixels} Mixer cannot read a larger picture without scaling it down. The hidden width $D_S$ = {units} is "
        "another number, free to choose, and does not depend on $S$.",
        tokens=config.num_patches,
        pixels=in_pixels(config.image_shape),
        units=config.tokens_mlp_dim,
    )


_EQUATION = mark(
    r"""
The crop of ${pixels}$ pixels is cut into $S = {division} = {tokens}$ patches in raster
order. Each is flattened to a vector $x$ of $P^2 \cdot 3 = {numbers}$ numbers and embedded by the
same linear layer:

$$e = W x + b, \qquad W:\ C \times 3P^2 = {channels} \times {numbers}$$

In code this is a convolution with kernel and stride $P = {side}$. The tokens are the rows of $X$, ${tokens}
\times {channels}$. Nothing marks where a patch was: token mixing has a weight of its own for every position.
"""
)


def embedding_equation(config: MixerConfig) -> str:
    """The patch embedding with this model's sizes."""
    side, (height, width) = config.patch_size, config.image_shape
    division = f"({height} / {side})^2" if height == width else rf"({height} / {side}) \times ({width} / {side})"
    return tr(
        _EQUATION,
        pixels=by(config.image_shape, r"\times"),
        division=division,
        tokens=config.num_patches,
        numbers=config.patch_dim,
        channels=config.embed_dim,
        side=side,
    )
