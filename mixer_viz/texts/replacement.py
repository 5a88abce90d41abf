"""The texts of the page "Token mixers compared" on token mixing replaced at run time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mixer_viz.analysis.replacement.accuracy import ReplacedAccuracy
from mixer_viz.analysis.replacement.replace import Kind, Replacement
from mixer_viz.language import mark, tr
from mixer_viz.model import MixerConfig
from mixer_viz.texts import UNKNOWN
from mixer_viz.texts.from_files import literal

KIND_NAMES: dict[Kind, str] = {
    "identity": mark("Each patch to itself"),
    "convolution": mark("Its best convolution"),
    "shift": mark("A shift"),
    "random": mark("A random matrix"),
}
EXPLAINED_NOTE = mark(
    "Explained is R²: 100 % is the real token mixing, 0 % no better than a constant for each patch, below 0 worse. "
    "Stand-ins are fitted by least squares to what the block's token mixing answers on five sample photos in the "
    "unchanged network; the random matrix is only made as strong. Behind a swapped "
    "block the next ones read what neither they nor their stand-ins were fitted to. Every fit looks better on the "
    "photos it was fitted to, most of all a large kernel: the second column is the fairer one, with a picture of "
    "your own."
)
STAND_INS = mark(r"""
Token mixing adds $Y = W_2\, \sigma(W_1 N + b_1) + b_2$ to the stream, where $N$ is the block's normalised tokens. In
its place:

- **Each patch to itself:** $f N + b$, with one factor $f$.
- **Its best convolution:** one $k \times k$ kernel over the patch grid, the same for all channels as the MLP is, zeros
  around the grid, plus $b$.
- **A shift:** a twelfth of the channels each moves one patch to the left, right, up and down, the rest stays; then
  $f N + b$.
- **A random matrix:** $M N$, independent normal numbers, as strong as the MLP is on five sample photos.

Factor, kernel and $b$ (one number per patch, which carries nothing from one patch to another) are those of least
squares. $R^2 = 1 - \lVert Y - \hat Y \rVert^2 / \lVert Y - \bar Y \rVert^2$ over pictures and channels, $\bar Y$ the
mean for each patch.
""")
MAX_NAMED = 12  # classes whose names are listed


def folder_in_words(config: MixerConfig) -> str:
    """What a labelled folder has to look like, and what becomes of it."""
    names = config.class_names or ()
    # As they are in the model: that is how folders have to be called.
    listed = tr(", ").join(literal(name) for name in names[:MAX_NAMED]) + (" …" if len(names) > MAX_NAMED else "")
    return tr(
        "At most 2,000 pictures, in folders named after this model's classes: {list}. They stay in the memory of "
        "the computer that runs this app and are forgotten when you close the page.",
        list=listed,
    )


def replacing_in_words(title: str) -> str:
    """What is replaced in which network."""
    return tr(
        "Here a trained Mixer, **{title}** from the sidebar, has its token mixing replaced while it runs. Nothing is "
        "trained again, so a large change says what the network has come to rely on, not what a network needs.",
        title=title,
    )


def swapped_in_words(kind: Kind, blocks: Sequence[int]) -> str:
    """Which stand-in is in which blocks, counted from 0."""
    name, listed = tr(KIND_NAMES[kind]), tr(", ").join(str(block + 1) for block in blocks)
    if len(blocks) == 1:
        return tr("{stand_in} in block {block}", stand_in=name, block=listed)
    return tr("{stand_in} in blocks {blocks}", stand_in=name, blocks=listed)


def replacement_table(replacements: Mapping[int, Replacement], here: Mapping[int, float]) -> dict[str, list[str]]:
    """How much of the real token mixing each stand-in explains."""
    return {
        tr("block"): [str(block + 1) for block in replacements],
        tr("explained on five sample photos"): [_percent(each.explained) for each in replacements.values()],
        tr("explained on this picture"): [_percent(here[block]) for block in replacements],
        tr("factor"): [UNKNOWN if each.factor is None else f"{each.factor:+.3f}" for each in replacements.values()],
    }


def _percent(share: float) -> str:
    return UNKNOWN if np.isnan(share) else tr("{share:.1f} %", share=100 * share)


def accuracy_sentence(result: ReplacedAccuracy) -> str:
    """Right answers with and without the stand-ins."""
    error = 100 * max(
        float(np.sqrt(share * (1 - share) / result.images)) for share in (result.accuracy, result.replaced_accuracy)
    )
    changed = result.changed
    return tr(
        "Of {images:,} pictures the Mixer gets **{correct:,}** right ({share:.1f} %), with the stand-ins "
        "**{replaced_correct:,}** ({replaced_share:.1f} %); {changes}. With so many pictures such a share is known to "
        "± {error:.1f} points (one standard error).",
        images=result.images,
        correct=result.correct,
        share=100 * result.accuracy,
        replaced_correct=result.replaced_correct,
        replaced_share=100 * result.replaced_accuracy,
        changes=tr("1 answer changes") if changed == 1 else tr("{count:,} answers change", count=changed),
        error=error,
    )
