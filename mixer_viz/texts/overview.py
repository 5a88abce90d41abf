"""Words and equations of the Overview page, in the numbers of the model that is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mixer_viz.analysis.calibration import share_below
from mixer_viz.model import MixerConfig
from mixer_viz.model.costs import Costs
from mixer_viz.model.wording import by
from mixer_viz.texts.from_files import literal

MAX_NAMED_CLASSES = 20

STEP_CAPTION = (
    '"Tokens": after token mixing; "channels": after channel mixing. +35 % means that the step adds a vector 35 % as '
    "long as what was there, +2.1× one 2.1 times as long (L2 norms over all tokens)."
)
LENGTH_CAPTION = "L2 norm of each token, one colour scale for all pictures, from zero. " + STEP_CAPTION
LIMITS = """
- A probability is not a measure of trust: a Mixer must choose among the classes it knows, whatever the picture shows.
- The colours show which tokens are alike, not what they mean. Three components of many are drawn, and tokens far out
  are clipped.
- A step that adds little may still decide the class.
"""


def colours_caption(explained: Sequence[float]) -> str:
    """How to read the colours, with the share of the variance that they show (0 to 1, one per picture)."""
    return (
        "Similar colours mean similar tokens. Colours are aligned between pictures, so that they can be followed. They "
        "are the first three principal components of the tokens, each picture on its own scale, and hold "
        f"{100 * min(explained):.0f} to {100 * max(explained):.0f} % of the differences. " + STEP_CAPTION
    )


def known_classes(config: MixerConfig, who_knows: str = "This model knows") -> str:
    """Which classes the model can answer with at all."""
    if config.num_classes == 1:
        name = "" if config.class_names is None else f" ({literal(config.class_names[0])})"
        return (
            f"This model has one output{name}, which has no rivals: what is shown is the sigmoid of its logit, the "
            "probability of yes where it was trained on a yes-or-no question."
        )
    if config.class_names is None:
        return f"The checkpoint does not name its {config.num_classes:,} classes."
    if config.num_classes <= MAX_NAMED_CLASSES:
        known = f"{who_knows} only {config.num_classes} classes: {', '.join(map(literal, config.class_names))}."
    else:
        known = f"{who_knows} {config.num_classes:,} classes."
    return f"{known} The answer is one of them even where none fits; guessing gives {100 / config.num_classes:.2g} %."


NONE_OF_ITS_CLASSES = (
    "**None of its classes.** This picture shows nothing that the model knows: the answer is the nearest of what it "
    "knows, not a name for what you see."
)


def shown_in_words(shown: Sequence[str] | None) -> str:
    """For a list of pictures: which of the model's classes this one shows; empty where that is not known."""
    if shown is None:
        return ""
    return f"Shows what the model knows: {' and '.join(shown)}." if shown else "Shows nothing that the model knows."


def what_it_shows(shown: Sequence[str] | None, best: str) -> str:
    """Whether a picture of which that is known shows one of the model's classes, and whether the answer is one."""
    if shown is None:
        return ""
    if not shown:
        return NONE_OF_ITS_CLASSES
    verdict = "The answer is right." if best in shown else "The answer is wrong."
    return f"The picture shows: **{' and '.join(shown)}**. {verdict}"


def how_sure(confidence: float | None, usual: Sequence[float] | None) -> str:
    """How sure the model is, against what is usual for it; empty where nobody measured that."""
    if confidence is None or usual is None:
        return ""
    below = 100 * share_below(confidence, usual)
    compared = "surer than for" if below >= 50 else "less sure than for"
    return (
        f"How sure: **{100 * confidence:.0f} %** after calibration, {compared} {max(below, 100 - below):.0f} % of its "
        "test images. On pictures like those, about that share of the answers with such a number is right."
    )


def block_shapes(config: MixerConfig) -> str:
    """What stays and what changes from block to block."""
    return (
        f"Every picture below is the same {config.num_patches} tokens of {config.embed_dim} channels, on the "
        f"{by(config.grid_shape)} patch grid: token mixing lets patches exchange what they hold, "
        "channel mixing works inside each patch."
    )


def player_words(config: MixerConfig, block: int) -> dict[str, Any]:
    """What the player of one block says: names of matrices and strips, and its steps; "{line}" is put in there."""
    sizes = (config.num_patches, config.embed_dim)
    hidden = (config.tokens_mlp_dim, config.channels_mlp_dim)
    lines, kinds = ("column", "row"), ("channel {line}", "patch {line}")
    weights = (("W₁", "W₂"), ("W₃", "W₄"))
    steps = [
        [
            {
                "name": "1. LayerNorm",
                "sentence": f"{mixing} mixing, {kind}: its {line} of {size} numbers, after LayerNorm.",
            },
            {
                "name": f"2. {first}, GELU",
                "sentence": f"{mixing} mixing, {kind}: {first} and the GELU make {width} hidden units of the {line}.",
            },
            {
                "name": f"3. {second}",
                "sentence": f"{mixing} mixing, {kind}: {second} makes {size} numbers of the {width} hidden units.",
            },
            {
                "name": "4. Add",
                "sentence": f"{mixing} mixing, {kind}: they are added to the {line} as it was (skip connection).",
            },
        ]
        for mixing, kind, line, size, width, (first, second) in zip(
            ("Token", "Channel"), kinds, lines, sizes, hidden, weights, strict=True
        )
    ]
    return {
        "matrices": ["X, comes in", "U, tokens mixed", "Y, goes out"],
        "strips": [["normed", "hidden", "added"], ["normed", "hidden", "added"]],
        "steps": steps,
        "description": f"Block {block + 1}: columns of the token matrix pass through token mixing, then rows through "
        "channel mixing. A click on a step opens the formula with its numbers.",
    }


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
