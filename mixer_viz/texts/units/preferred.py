"""What a unit wants, in words: what was maximised, what it reached, and what real pictures reach."""

from __future__ import annotations

import math

from mixer_viz.analysis.token_mixing.maximise import Maximised
from mixer_viz.analysis.token_mixing.objective import Objective
from mixer_viz.language import mark, tr

EXACT = mark(
    "Block 1 reads the patches themselves, so its units have a preferred picture in closed form: of all pictures of "
    "one length, none excites the unit more in this channel. At each patch it is the unit's weight times the "
    "channel's stem filter. LayerNorm's division is left out, since it is not linear."
)
ONLY_BLOCK_1 = mark(
    "Only block 1 has a preferred picture in closed form. For any other block one can look for it by gradient ascent."
)
WARNING = mark(
    "A picture found this way proves nothing by its looks. If it reaches much more than any real picture, it shows "
    "what the unit would answer to something it never sees."
)


def objective_name(objective: Objective, class_name: str) -> str:
    """What is excited, for people; blocks counted from 1."""
    if objective.kind == "class":
        return tr("the logit of {name}", name=class_name)
    if objective.kind == "channel":
        return tr(
            "channel {channel} after block {block}, mean over all patches",
            channel=objective.index,
            block=objective.place // 2,
        )
    unit, block = objective.index, objective.place + 1
    if objective.kind == "token unit":
        if objective.at is None:
            words = tr("unit {unit} of token mixing in block {block}, after GELU, mean over all channels")
        else:
            words = tr("unit {unit} of token mixing in block {block}, after GELU, in channel {at}")
    elif objective.at is None:
        words = tr("unit {unit} of channel mixing in block {block}, after GELU, mean over all patches")
    else:
        words = tr("unit {unit} of channel mixing in block {block}, after GELU, in patch {at}")
    return words.format(unit=unit, block=block, at=objective.at)


def seconds_in_words(seconds: float) -> str:
    """An estimate, not to be read as more than that."""
    if seconds < 1.5:
        return tr("about a second")
    if seconds < 90:
        return tr("about {seconds:d} s", seconds=round(seconds))
    return tr("about {minutes:d} min", minutes=math.ceil(seconds / 60))


def reached_in_words(
    name: str, found: float, start: float, photo: float, photo_title: str, photos: int, measured: str
) -> str:
    """The best picture found, beside the random picture it began with and the best real ones."""
    begun = f"{name[0].upper()}{name[1:]}"
    return tr(
        "**{name}:** the best picture found reaches **{found:.3g}**, from {start:.3g} at random. The best of the "
        "{photos} photos here reaches **{photo:.3g}** ({photo_title}). {measured}",
        name=begun,
        found=found,
        start=start,
        photos=photos,
        photo=photo,
        photo_title=photo_title,
        measured=measured,
    ).strip()


def measured_in_words(top: float, median: float, images: int, model_name: str) -> str:
    """What the training images of a bundled model reach."""
    return tr(
        "Of the {images:,} training images of {model}, the best reaches **{top:.3g}**, and half of them more than "
        "{median:.3g}.",
        images=images,
        model=model_name,
        top=top,
        median=median,
    )


PHASES = mark("Keeps how strong each frequency is in pictures and moves only where it lies (Fel et al. 2023).")


def exact_in_words(plain: float, normed: float, own: float, unit: int, channel: int) -> str:
    """What real passes of the closed forms reach, beside the visitor's picture."""
    return tr(
        "Measured, after GELU, of unit {unit} in channel {channel}: {plain:+.3g} for the left picture, {normed:+.3g} "
        "for the right one, {own:+.3g} for your picture.",
        unit=unit,
        channel=channel,
        plain=plain,
        normed=normed,
        own=own,
    )


def how_found(found: Maximised) -> str:
    """How the pictures were made, and what they do not prove."""
    spectrum = (
        tr("the spectrum of {images:,} training images", images=found.spectrum_images)
        if found.spectrum_images
        else tr("a 1/f spectrum")
    )
    return tr(
        "{starts} starts of {steps} steps of Adam on {moved}, scaled by {spectrum}, seed {seed}. {warning}",
        starts=len(found.pictures),
        steps=found.steps,
        moved=tr("phases") if found.phase_only else tr("Fourier coefficients"),
        spectrum=spectrum,
        seed=found.seed,
        warning=tr(WARNING),
    )
