"""The texts of the activations page for switched-off parts and shuffled patches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mixer_viz.analysis.activations.ablation import Ablation, Kind, Replacement
from mixer_viz.language import mark, tr

# Links hold what the buttons say in English.
KINDS: dict[str, Kind] = {
    mark("Half-block"): "branch",
    mark("Patch"): "token",
    mark("Channel"): "channel",
    mark("Hidden unit"): "unit",
}
REPLACEMENTS: dict[str, Replacement] = {mark("Zero"): "zero", mark("Mean"): "mean"}
_TOP = 5
_UNSEEN = 0.05  # percentage points: what rounds to 0.0

SWITCHING_OFF = mark(
    "Set a part of the network to zero, or to its mean, and let the rest run: another pass, not an estimate. What is "
    "chosen here is switched off at once; add it to the list to switch off more with it."
)
MEAN_NOTE = mark(
    "**Mean**, on this picture: a half-block writes the same into every patch, a patch becomes the mean patch, a "
    "channel the same number everywhere; a unit of token mixing has its mean over the channels, one of channel mixing "
    "its mean over the patches. Zero takes a thing away, but zero may be a value that the network never sees."
)
SHUFFLING = mark(
    "Token mixing has one weight for every place, so the order of the patches counts. Put them in another order and "
    "see what is left of the answer."
)
PAPER_EXPERIMENT = mark(
    "**The paper's own experiment is another one** (Tolstikhin et al. 2021, section 3.4, Figure 4). It *trained* "
    "networks from the start on pictures that were all permuted in one and the same way. With the patches in another "
    "order, and the pixels inside every patch in another order too, the Mixer learned as well as without, and a ResNet "
    "clearly worse: the Mixer has no order built in. With all pixels of the picture permuted both lost, the ResNet "
    "more. Here a network that was trained on pictures in their own order meets the new order for the first time. If "
    "it fails, that shows which order it has learned, not what it could have learned; if not, the answer rests on what "
    "is in the patches more than on where they are."
)


def answer_table(
    names: Sequence[str], shown: np.ndarray, before: np.ndarray, after: np.ndarray
) -> dict[str, list[str]]:
    """The five best classes of the probabilities `shown`, and how each changes, as columns of a table."""
    top = np.argsort(-shown, kind="stable")[:_TOP].tolist()
    return {
        tr("class"): [names[index] for index in top],
        tr("probability"): [tr("{share:.1f} %", share=100 * shown[index]) for index in top],
        tr("change"): [tr("{change} points", change=_points(after[index] - before[index])) for index in top],
    }


def change_sentence(names: Sequence[str], before: np.ndarray, after: np.ndarray) -> str:
    """The largest change of a probability, and what becomes of the answer."""
    index = int(np.abs(after - before).argmax())
    change = after[index] - before[index]
    first, last = names[int(before.argmax())], names[int(after.argmax())]
    if before.argmax() == after.argmax():
        answer = tr("The answer stays **{name}**.", name=first)
    else:
        answer = tr("The answer was **{before}** and is now **{after}**.", before=first, after=last)
    if 100 * abs(change) < _UNSEEN:
        return tr("No probability changes by as much as {least} points. {answer}", least=_UNSEEN, answer=answer)
    return tr(
        "Largest change: **{name}**, from {before:.1f} % to {after:.1f} % ({change} points). {answer}",
        name=names[index],
        before=100 * before[index],
        after=100 * after[index],
        change=_points(change),
        answer=answer,
    )


def ablation_name(ablation: Ablation, stages: Sequence[str]) -> str:
    """What is switched off, as "unit 4 of block 1 token mixing, to its mean"; `stages` are all stages, noted."""
    stage, index = stages[ablation.stage], ablation.index
    to = tr("to zero") if ablation.to == "zero" else tr("to its mean")
    if ablation.kind == "branch":
        return tr("all that {stage} adds, {to}", stage=stage, to=to)
    if ablation.kind == "unit":
        return tr("unit {index} of {stage}, {to}", index=index, stage=stage, to=to)
    if ablation.kind == "token":
        if ablation.stage:
            return tr("patch {index} after {stage}, {to}", index=index, stage=stage, to=to)
        return tr("patch {index} of the embedding, {to}", index=index, to=to)
    if ablation.stage:
        return tr("channel {index} after {stage}, {to}", index=index, stage=stage, to=to)
    return tr("channel {index} of the embedding, {to}", index=index, to=to)


def each_alone_sentence(names: Sequence[str], changes: np.ndarray, followed: str) -> str:
    """Which half-block, switched off alone, changes the class's probability (2 L changes, -1 to 1) most."""
    index = int(np.abs(changes).argmax())
    return tr(
        "Alone, **{name}** matters most for {followed}: {change} points. For {quiet} of the {count} half-blocks the "
        "change is below one point. Others make up for the one that is missing, so such changes do not add up.",
        name=names[index],
        followed=followed,
        change=_points(changes[index]),
        quiet=int((100 * np.abs(changes) < 1).sum()),
        count=len(changes),
    )


def identity_sentence(logits: np.ndarray, permuted: np.ndarray, gap: float, name: str) -> str:
    """Both sides of the identity between a shuffled picture and permuted weights."""
    best = int(logits.argmax())
    return tr(
        "Put the columns of every $W_1$, and the rows of every $W_2$ and $b_2$, in the same order as the patches, and "
        "the shuffled picture gives the old logits again. For {name}: {permuted:.5f} with permuted weights, "
        "{logit:.5f} for the picture as it is. Largest difference over all {classes:,} classes: {gap:.1e}.",
        name=name,
        permuted=permuted[best],
        logit=logits[best],
        classes=logits.size,
        gap=gap,
    )


def _points(change: float) -> str:
    """A change of a probability (-1 to 1) in percentage points, without a sign where it rounds to zero."""
    return f"{100 * change:+.1f}" if 100 * abs(change) >= _UNSEEN else "0.0"
