"""What the film of a finished training says of a picture, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

SAYS_NOTHING = "Before the first step the classifier is all zeros, so every class is as probable as any other."
FINISHED = "The finished network, as on all other pages."


def worth(coarse: float | None, whole: float | None, images: int) -> str:
    """How good the network in few bits is, whose answer is shown, beside the one of that moment; percent."""
    kept = "Kept in few bits to stay small"
    if coarse is None or whole is None:
        return f"{kept}: the answer of the network itself may differ a little."
    return (
        f"{kept}: this network has {coarse:.1f} % of {images:,} test images right, where the one of that moment had "
        f"{whole:.1f} %."
    )


def not_kept(label: str, known: Sequence[str]) -> str:
    """A moment of which the pages have token mixing and filters alone."""
    return (
        f"**{label}**: only token mixing and filters of this moment were kept. Whole networks are there for "
        f"{', '.join(known[:-1])} and {known[-1]}."
    )


def moment_answer(label: str, names: Sequence[str], probabilities: np.ndarray) -> str:
    """The best three classes at a moment; names are for Markdown."""
    if probabilities.max() == probabilities.min():
        return f"**{label}**: {100 * probabilities[0]:.0f} % for each of the {len(names)} classes."
    best = probabilities.argsort()[::-1][:3]
    return f"**{label}**: " + ", ".join(f"{names[each]} {100 * probabilities[each]:.0f} %" for each in best) + "."


def answers_in_words(known: Sequence[str], curves: Mapping[str, np.ndarray]) -> str:
    """The text alternative of the curves."""
    said = [
        f"{name}: "
        + ", ".join(f"{100 * value:.0f} percent at {label}" for label, value in zip(known, values, strict=True))
        for name, values in curves.items()
    ]
    return "; ".join(said) + "."
