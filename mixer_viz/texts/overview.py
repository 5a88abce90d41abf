"""Words and equations of the Overview page, in the numbers of the model that is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mixer_viz.analysis.calibration import share_below
from mixer_viz.language import mark, shown, tr
from mixer_viz.model import MixerConfig
from mixer_viz.model.costs import Costs
from mixer_viz.model.wording import by
from mixer_viz.texts.from_files import literal
from mixer_viz.texts.names.classes import class_in_words

MAX_NAMED_CLASSES = 20

STEP_CAPTION = mark(
    '"Tokens": after token mixing; "channels": after channel mixing. +35 % means that the step adds a vector 35 % as '
    "long as what was there, +2.1× one 2.1 times as long (L2 norms over all tokens)."
)
LIMITS = mark("""
- A probability is not a measure of trust: a Mixer must choose among the classes it knows, whatever the picture shows.
- The colours show which tokens are alike, not what they mean. Three components of many are drawn, and tokens far out
  are clipped.
- A step that adds little may still decide the class.
""")


def length_caption() -> str:
    """How to read the lengths of the tokens."""
    return tr("L2 norm of each token, one colour scale for all pictures, from zero. {steps}", steps=tr(STEP_CAPTION))


def colours_caption(explained: Sequence[float]) -> str:
    """How to read the colours, with the share of the variance that they show (0 to 1, one per picture)."""
    return tr(
        "Similar colours mean similar tokens. Colours are aligned between pictures, so that they can be followed. They "
        "are the first three principal components of the tokens, each picture on its own scale, and hold "
        "{least:.0f} to {most:.0f} % of the differences. {steps}",
        least=100 * min(explained),
        most=100 * max(explained),
        steps=tr(STEP_CAPTION),
    )


def known_classes(config: MixerConfig, *, is_one_of_many: bool = False) -> str:
    """Which classes the model can answer with at all; `is_one_of_many`: with the same classes as others beside it."""
    if config.num_classes == 1:
        return _one_output(config)
    if config.class_names is None:
        return tr("The checkpoint does not name its {count:,} classes.", count=config.num_classes)
    few = config.num_classes <= MAX_NAMED_CLASSES
    named = tr(", ").join(literal(class_in_words(name)) for name in config.class_names) if few else ""
    values: dict[str, Any] = {"count": config.num_classes, "names": named, "guess": 100 / config.num_classes}
    if few and is_one_of_many:
        return tr(
            "All of them know only {count} classes: {names}. The answer is one of them even where none fits; guessing "
            "gives {guess:.2g} %.",
            **values,
        )
    if few:
        return tr(
            "This model knows only {count} classes: {names}. The answer is one of them even where none fits; guessing "
            "gives {guess:.2g} %.",
            **values,
        )
    del values["names"]
    if is_one_of_many:
        return tr(
            "All of them know {count:,} classes. The answer is one of them even where none fits; guessing gives "
            "{guess:.2g} %.",
            **values,
        )
    return tr(
        "This model knows {count:,} classes. The answer is one of them even where none fits; guessing gives "
        "{guess:.2g} %.",
        **values,
    )


def _one_output(config: MixerConfig) -> str:
    if config.class_names is None:
        return tr(
            "This model has one output, which has no rivals: what is shown is the sigmoid of its logit, the "
            "probability of yes where it was trained on a yes-or-no question."
        )
    return tr(
        "This model has one output ({name}), which has no rivals: what is shown is the sigmoid of its logit, the "
        "probability of yes where it was trained on a yes-or-no question.",
        name=literal(class_in_words(config.class_names[0])),
    )


NONE_OF_ITS_CLASSES = mark(
    "**None of its classes.** This picture shows nothing that the model knows: the answer is the nearest of what it "
    "knows, not a name for what you see."
)


def shown_in_words(classes: Sequence[str] | None) -> str:
    """For a list of pictures: which of the model's classes this one shows; empty where that is not known."""
    if classes is None:
        return ""
    if not classes:
        return tr("Shows nothing that the model knows.")
    return tr("Shows what the model knows: {classes}.", classes=_and_so_on(classes))


def what_it_shows(classes: Sequence[str] | None, best: str) -> str:
    """Whether a picture of which that is known shows one of the model's classes, and whether the answer is one."""
    if classes is None:
        return ""
    if not classes:
        return tr(NONE_OF_ITS_CLASSES)
    if best in classes:
        return tr("The picture shows: **{classes}**. The answer is right.", classes=_and_so_on(classes))
    return tr("The picture shows: **{classes}**. The answer is wrong.", classes=_and_so_on(classes))


def _and_so_on(classes: Sequence[str]) -> str:
    return tr(" and ").join(class_in_words(name) for name in classes)


def most_probable(name: str, probability: float) -> str:
    """What a chart of classes shows; `name` is that of the best one, in English."""
    said = shown(class_in_words(name))
    return tr("Most probable class: {name}, {share:.1f} percent.", name=said, share=100 * probability)


ABOUT_AS_OFTEN_RIGHT = mark("On pictures like those, about that share of the answers with such a number is right.")
SAYS_NOTHING_HERE = mark(
    "That holds for pictures of its classes. This one shows none of them, so the number says nothing here."
)


def how_sure(confidence: float | None, usual: Sequence[float] | None, classes: Sequence[str] | None = None) -> str:
    """How sure the model is, against what is usual for it; empty where nobody measured that.

    Args:
        classes: the model's classes that the picture is known to show; None where that is not known.
    """
    if confidence is None or usual is None:
        return ""
    below = 100 * share_below(confidence, usual)
    if below >= 50:
        sure = tr(
            "How sure: **{share:.0f} %** after calibration, surer than for {others:.0f} % of its test images.",
            share=100 * confidence,
            others=below,
        )
    else:
        sure = tr(
            "How sure: **{share:.0f} %** after calibration, less sure than for {others:.0f} % of its test images.",
            share=100 * confidence,
            others=100 - below,
        )
    shows_none = classes is not None and not classes
    return tr("{sentence} {next}", sentence=sure, next=tr(SAYS_NOTHING_HERE if shows_none else ABOUT_AS_OFTEN_RIGHT))


def block_shapes(config: MixerConfig) -> str:
    """What stays and what changes from block to block."""
    return tr(
        "Every picture below is the same {tokens} tokens of {channels} channels, on the {grid} patch grid: token "
        "mixing lets patches exchange what they hold, channel mixing works inside each patch.",
        tokens=config.num_patches,
        channels=config.embed_dim,
        grid=by(config.grid_shape),
    )


def pooled_shape(config: MixerConfig) -> str:
    """Beside the title of the pooled vector."""
    return tr(
        "C = {channels}: the mean of all {tokens} tokens after the last LayerNorm",
        channels=config.embed_dim,
        tokens=config.num_patches,
    )


def last_layer(config: MixerConfig) -> str:
    """What follows the pooled vector."""
    return tr(
        "One linear layer makes {classes:,} logits of these {channels} numbers; softmax follows.",
        classes=config.num_classes,
        channels=config.embed_dim,
    )


def figure_caption(model: str, picture: str) -> str:
    """Below a figure for print: the titles of model and picture."""
    return tr("{model}, picture: {picture}", model=model, picture=picture)


def mixer_in_words(config: MixerConfig) -> str:
    """The whole idea in this model's numbers."""
    return tr(
        "A Mixer cuts the picture into {patches} squares (patches) and describes each by {channels} numbers (its "
        "token). Then two steps alternate: mix each number across all patches, and mix the numbers inside each patch.",
        patches=config.num_patches,
        channels=config.embed_dim,
    )


_EQUATION = mark(
    r"""
Each of the $L = {blocks}$ blocks turns the token matrix $X$ ($S \times C = {tokens} \times
{channels}$) into $Y$ of the same size:

$$U = X + W_2\,\mathrm{{gelu}}(W_1\,\mathrm{{LayerNorm}}(X)) \qquad \text{{token mixing}}$$

$$Y = U + \big(W_4\,\mathrm{{gelu}}(W_3\,\mathrm{{LayerNorm}}(U)^\top)\big)^\top \qquad \text{{channel mixing}}$$

Token mixing works along each column of $X$, channel mixing along each row. $W_1$ is $D_S \times S =
{token_units} \times {tokens}$, $W_2$ is $S \times D_S$, $W_3$ is $D_C \times C =
{channel_units} \times {channels}$, $W_4$ is $C \times D_C$; each has a bias. GELU is used in {gelu}.
Then LayerNorm, the mean over the {tokens} tokens, and a linear layer with {classes:,} outputs.
"""
)


def mixer_equation(config: MixerConfig) -> str:
    """The paper's equation with this model's sizes."""
    return tr(
        _EQUATION,
        blocks=config.num_blocks,
        tokens=config.num_patches,
        channels=config.embed_dim,
        token_units=config.tokens_mlp_dim,
        channel_units=config.channels_mlp_dim,
        gelu=tr("its exact form (erf)") if config.gelu == "erf" else tr("its tanh approximation"),
        classes=config.num_classes,
    )


def cost_table(costs: Costs) -> dict[str, list[str]]:
    """Parameters and multiply-adds of each part, as columns of a table."""
    parts = {
        tr("patch embedding"): costs.stem,
        tr("token mixing"): costs.token_mixing,
        tr("channel mixing"): costs.channel_mixing,
        "LayerNorm": costs.norms,
        tr("classifier"): costs.head,
        tr("all"): costs.total,
    }
    total = costs.total
    return {
        tr("part"): list(parts),
        tr("parameters"): [f"{cost.parameters:,}" for cost in parts.values()],
        tr("share"): [percent(100 * cost.parameters / total.parameters) for cost in parts.values()],
        tr("multiply-adds per image"): [f"{cost.multiply_adds:,}" for cost in parts.values()],
        # Columns are told apart by their names.
        tr("share") + " ": [percent(100 * cost.multiply_adds / total.multiply_adds) for cost in parts.values()],
    }


def percent(value: float) -> str:
    """A number of percent with one decimal."""
    return tr("{value:.1f} %", value=value)
