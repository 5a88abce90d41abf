"""The texts of the pages that carry this model's numbers."""

from __future__ import annotations

from collections.abc import Sequence

from mixer_viz.model import MixerConfig
from mixer_viz.model.costs import Costs, PatchSizeOption

MAX_NAMED_CLASSES = 20

STEP_CAPTION = (
    'Under "tokens" is the picture after token mixing, under "channels" the one after channel mixing; +35 % means that '
    "the step adds a vector 35 % as long as what was there (L2 norms over all tokens)."
)
LENGTH_CAPTION = "L2 norm of each token, one colour scale for all pictures, from zero. " + STEP_CAPTION
OVERVIEW_LIMITS = """
- A probability is not a measure of trust: a Mixer must choose among the classes it knows, whatever the picture shows.
- The colours show which tokens are alike, not what they mean. Three components of many are drawn, and tokens far out
  are clipped.
- A step that adds little may still decide the class.
"""
PATCHES_LIMITS = """
- Alike embeddings mean alike pixels here, nothing more: no token has seen another one yet.
- That a patch can be rebuilt from its token shows what the first layer keeps, not what later layers use.
- Each filter is drawn on its own scale: a weak one looks as strong as a strong one. Hover reads its length.
"""


def colours_caption(explained: Sequence[float]) -> str:
    """How to read the colours, with the share of the variance that they show (0 to 1, one per picture)."""
    return (
        "Like colours mean like tokens within one picture; from picture to picture the colours are turned to agree, so "
        "that they can be followed. They are the first three principal components of the tokens, each picture on "
        f"its own scale, and hold {100 * min(explained):.0f} to {100 * max(explained):.0f} % of the differences. "
        + STEP_CAPTION
    )


def known_classes(config: MixerConfig, who_knows: str = "This model knows") -> str:
    """Which classes the model can answer with at all."""
    if config.class_names is None:
        return f"The checkpoint does not name its {config.num_classes:,} classes."
    if config.num_classes <= MAX_NAMED_CLASSES:
        known = f"{who_knows} {config.num_classes} classes only: {', '.join(config.class_names)}."
    else:
        known = f"{who_knows} {config.num_classes:,} classes."
    return f"{known} The answer is one of them even where none fits; guessing gives {100 / config.num_classes:.2g} %."


def block_shapes(config: MixerConfig) -> str:
    """What stays and what changes from block to block."""
    return (
        f"Every picture below is the same {config.num_patches} tokens of {config.embed_dim} channels, on the "
        f"{config.grid_size} × {config.grid_size} patch grid: token mixing lets patches exchange what they hold, "
        "channel mixing works inside each patch."
    )


def mixer_in_words(config: MixerConfig) -> str:
    """The whole idea in this model's numbers."""
    return (
        f"A Mixer cuts the picture into {config.num_patches} squares (patches) and describes each by "
        f"{config.embed_dim} numbers (its token). Then two steps alternate: mix each number across all patches, and "
        "mix the numbers inside each patch."
    )


def mixer_equation(config: MixerConfig) -> str:
    """The paper's equation with this model's sizes."""
    gelu = "its exact form (erf)" if config.gelu == "erf" else "its tanh approximation"
    return rf"""
Each of the $L = {config.num_blocks}$ blocks turns the token matrix $X$ ($S \times C = {config.num_patches} \times
{config.embed_dim}$) into $Y$ of the same size:

$$U = X + W_2\,\mathrm{{gelu}}(W_1\,\mathrm{{LayerNorm}}(X)) \qquad \text{{token mixing}}$$

$$Y = U + \big(W_4\,\mathrm{{gelu}}(W_3\,\mathrm{{LayerNorm}}(U)^\top)\big)^\top \qquad \text{{channel mixing}}$$

Token mixing works along each column of $X$, channel mixing along each row. $W_1$ is $D_S \times S =
{config.tokens_mlp_dim} \times {config.num_patches}$, $W_2$ is $S \times D_S$, $W_3$ is $D_C \times C =
{config.channels_mlp_dim} \times {config.embed_dim}$, $W_4$ is $C \times D_C$; each has a bias. GELU is used in {gelu}.
Then LayerNorm, the mean over the {config.num_patches} tokens, and a linear layer with {config.num_classes:,} outputs.
"""


def cost_table(costs: Costs) -> dict[str, list[str]]:
    """Parameters and multiply-adds of each part, as columns of a table."""
    parts = {
        "patch embedding": costs.stem,
        "token mixing": costs.token_mixing,
        "channel mixing": costs.channel_mixing,
        "LayerNorm": costs.norms,
        "classifier": costs.head,
        "all": costs.total,
    }
    total = costs.total
    return {
        "part": list(parts),
        "parameters": [f"{cost.parameters:,}" for cost in parts.values()],
        "share": [f"{100 * cost.parameters / total.parameters:.1f} %" for cost in parts.values()],
        "multiply-adds per image": [f"{cost.multiply_adds:,}" for cost in parts.values()],
        "share ": [f"{100 * cost.multiply_adds / total.multiply_adds:.1f} %" for cost in parts.values()],
    }


def patch_position(config: MixerConfig, token: int) -> str:
    """Where a patch is in the grid, the crop and the token matrix."""
    row, column = divmod(token, config.grid_size)
    side = config.patch_size
    return (
        f"**Patch {token}** is in row {row}, column {column} of the {config.grid_size} × {config.grid_size} grid (all "
        f"counted from 0): pixels {row * side} to {(row + 1) * side - 1} down, {column * side} to "
        f"{(column + 1) * side - 1} across. Its place in the sequence: {row} × {config.grid_size} + {column} = {token}."
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
        "tokens S": [f"{option.grid_size} × {option.grid_size} = {option.num_patches:,}" for option in options],
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
        f"{config.image_size} px Mixer cannot read a larger picture without scaling it down. The hidden width $D_S$ = "
        f"{config.tokens_mlp_dim} is another number, free to choose, and does not depend on $S$."
    )


def embedding_equation(config: MixerConfig) -> str:
    """The patch embedding with this model's sizes."""
    side = config.patch_size
    return rf"""
The crop of ${config.image_size} \times {config.image_size}$ pixels is cut into $S = ({config.image_size} / {side})^2 =
{config.num_patches}$ patches in raster order. Each is flattened to a vector $x$ of $P^2 \cdot 3 = {config.patch_dim}$
numbers and embedded by the same linear layer:

$$e = W x + b, \qquad W:\ C \times 3P^2 = {config.embed_dim} \times {config.patch_dim}$$

In code this is a convolution with kernel and stride $P = {side}$. The tokens are the rows of $X$, ${config.num_patches}
\times {config.embed_dim}$. Nothing marks where a patch was: token mixing has a weight of its own for every position.
"""
