"""What a unit wants, in words: what was maximised, what it reached, and what real pictures reach."""

from __future__ import annotations

import math

from mixer_viz.analysis.token_mixing.maximise import Maximised
from mixer_viz.analysis.token_mixing.objective import Objective

EXACT = (
    "Block 1 reads the patches themselves, so its units have a preferred picture in closed form: of all pictures of "
    "one length, none excites the unit more in this channel. At each patch it is the unit's weight times the "
    "channel's stem filter. LayerNorm's division is left out, since it is not linear."
)
ONLY_BLOCK_1 = (
    "Only block 1 has a preferred picture in closed form. For any other block one can look for it by gradient ascent."
)
WARNING = (
    "A picture found this way proves nothing by its looks. If it reaches much more than any real picture, it shows "
    "what the unit would answer to something it never sees."
)


def objective_name(objective: Objective, class_name: str) -> str:
    """What is excited, for people; blocks counted from 1."""
    block = objective.place + 1
    if objective.kind == "class":
        return f"the logit of {class_name}"
    if objective.kind == "channel":
        return f"channel {objective.index} after block {objective.place // 2}, mean over all patches"
    place = "channels" if objective.kind == "token unit" else "patches"
    one = place.removesuffix("es" if place == "patches" else "s")
    where = f"mean over all {place}" if objective.at is None else f"in {one} {objective.at}"
    mixing = "token" if objective.kind == "token unit" else "channel"
    return f"unit {objective.index} of {mixing} mixing in block {block}, after GELU, {where}"


def seconds_in_words(seconds: float) -> str:
    """An estimate, not to be read as more than that."""
    if seconds < 1.5:
        return "about a second"
    if seconds < 90:
        return f"about {round(seconds):d} s"
    return f"about {math.ceil(seconds / 60):d} min"


def reached_in_words(
    name: str, found: float, start: float, photo: float, photo_title: str, photos: int, measured: str
) -> str:
    """The best picture found, beside the random picture it began with and the best real ones."""
    return (
        f"**{name[0].upper()}{name[1:]}:** the best picture found reaches **{found:.3g}**, from {start:.3g} at random. "
        f"The best of the {photos} photos here reaches **{photo:.3g}** ({photo_title}). {measured}"
    ).strip()


def measured_in_words(top: float, median: float, images: int, model_name: str) -> str:
    """What the training images of a bundled model reach."""
    return (
        f"Of the {images:,} training images of {model_name}, the best reaches **{top:.3g}**, and half of them more "
        f"than {median:.3g}."
    )


PHASES = "Keeps how strong each frequency is in pictures and moves only where it lies (Fel et al. 2023)."


def exact_in_words(plain: float, normed: float, own: float, unit: int, channel: int) -> str:
    """What real passes of the closed forms reach, beside the visitor's picture."""
    return (
        f"Measured, after GELU, of unit {unit} in channel {channel}: {plain:+.3g} for the left picture, {normed:+.3g} "
        f"for the right one, {own:+.3g} for your picture."
    )


def how_found(found: Maximised) -> str:
    """How the pictures were made, and what they do not prove."""
    spectrum = (
        f"the spectrum of {found.spectrum_images:,} training images" if found.spectrum_images else "a 1/f spectrum"
    )
    moved = "phases" if found.phase_only else "Fourier coefficients"
    return (
        f"{len(found.pictures)} starts of {found.steps} steps of Adam on {moved}, scaled by {spectrum}, seed "
        f"{found.seed}. {WARNING}"
    )
