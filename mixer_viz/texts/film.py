"""What the film of a finished training says of a picture, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mixer_viz.language import mark, noted, tr

SAYS_NOTHING = mark("Before the first step the classifier is all zeros, so every class is as probable as any other.")
FINISHED = mark("The finished network, as on all other pages.")


def worth(coarse: float | None, whole: float | None, images: int) -> str:
    """How good the network in few bits is, whose answer is shown, beside the one of that moment; percent; noted."""
    if coarse is None or whole is None:
        return noted("Kept in few bits to stay small: the answer of the network itself may differ a little.")
    return noted(
        "Kept in few bits to stay small: this network has {coarse:.1f} % of {images:,} test images right, where the "
        "one of that moment had {whole:.1f} %.",
        coarse=coarse,
        images=images,
        whole=whole,
    )


def not_kept(label: str, known: Sequence[str]) -> str:
    """A moment of which the pages have token mixing and filters alone."""
    return tr(
        "**{moment}**: only token mixing and filters of this moment were kept. Whole networks are there for {list} and "
        "{last}.",
        moment=label,
        list=tr(", ").join(known[:-1]),
        last=known[-1],
    )


def moment_answer(label: str, names: Sequence[str], probabilities: np.ndarray) -> str:
    """The best three classes at a moment; names are for Markdown."""
    if probabilities.max() == probabilities.min():
        return tr(
            "**{moment}**: {share:.0f} % for each of the {count} classes.",
            moment=label,
            share=100 * probabilities[0],
            count=len(names),
        )
    best = [
        tr("{title} {share:.0f} %", title=names[each], share=100 * probabilities[each])
        for each in probabilities.argsort()[::-1][:3]
    ]
    return tr("**{moment}**: {list}.", moment=label, list=tr(", ").join(best))


def answers_in_words(known: Sequence[str], curves: Mapping[str, np.ndarray]) -> str:
    """The text alternative of the curves."""
    said = []
    for name, values in curves.items():
        parts = [
            tr("{percent:.0f} percent at {moment}", percent=100 * value, moment=label)
            for label, value in zip(known, values, strict=True)
        ]
        said.append(tr("{name}: {list}", name=name, list=tr(", ").join(parts)))
    return tr("{list}.", list=tr("; ").join(said))
