"""The texts of the page "Token mixers compared" on token mixing swapped at run time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mixer_viz.analysis.swapped_accuracy import SwappedAccuracy
from mixer_viz.analysis.swapped_mixing import Kind, Replacement

_UNKNOWN = "–"

KIND_NAMES: dict[Kind, str] = {
    "identity": "Each patch to itself",
    "convolution": "Its best convolution",
    "shift": "A shift",
    "random": "A random matrix",
}
EXPLAINED_NOTE = (
    "Explained is R²: 100 % is the real token mixing, 0 % no better than a constant for each patch, below 0 worse. "
    "Stand-ins are fitted by least squares to what the block's token mixing answers on the sample pictures, a few "
    "photos and drawn patterns, in the unchanged network; the random matrix is only made as strong. Behind a swapped "
    "block the next ones read what neither they nor their stand-ins were fitted to. Every fit is better on these few "
    "pictures than on others, that of a large kernel most: the second column is the fairer one, with a picture of "
    "your own."
)
FOLDER = (
    "At most 2,000 pictures. They stay in the memory of the computer that runs this app and are forgotten when you "
    "close the page."
)


def swapping_in_words(title: str) -> str:
    """What is swapped in which network."""
    return (
        f"Here a trained Mixer, **{title}** from the sidebar, has its token mixing replaced while it runs. Nothing is "
        "trained again, so a large change says what the network has come to rely on, not what a network needs."
    )


def replacement_table(replacements: Mapping[int, Replacement], here: Mapping[int, float]) -> dict[str, list[str]]:
    """How much of the real token mixing each stand-in explains."""
    return {
        "block": [str(block + 1) for block in replacements],
        "explained on the sample pictures": [_percent(each.explained) for each in replacements.values()],
        "explained on this picture": [_percent(here[block]) for block in replacements],
        "factor": [_UNKNOWN if each.factor is None else f"{each.factor:+.3f}" for each in replacements.values()],
    }


def _percent(share: float) -> str:
    return _UNKNOWN if np.isnan(share) else f"{100 * share:.1f} %"


def accuracy_sentence(result: SwappedAccuracy) -> str:
    """Right answers with and without the stand-ins."""
    return (
        f"Of {result.images:,} pictures the Mixer gets **{result.correct:,}** right ({100 * result.accuracy:.1f} %), "
        f"with the stand-ins **{result.swapped_correct:,}** ({100 * result.swapped_accuracy:.1f} %); "
        f"{result.changed:,} answers change."
    )
