"""The classes of the bundled networks and of drawn pictures, in the language of whoever is looking."""

from __future__ import annotations

from mixer_viz.language import Noted, mark, noted, shown, tr
from mixer_viz.texts.from_files import literal

# Those of `images.photos.LOOKED_FOR`; a checkpoint of anybody's that has one of these names means the same by it.
_KNOWN = {
    *(mark("airplane"), mark("automobile"), mark("bird"), mark("cat"), mark("deer"), mark("dog"), mark("frog")),
    *(mark("horse"), mark("ship"), mark("truck")),
    *(mark("big cat"), mark("boat"), mark("bottle"), mark("bridge"), mark("building"), mark("bus or van")),
    *(mark("butterfly"), mark("car"), mark("clothing"), mark("cup or teapot"), mark("fruit"), mark("furniture")),
    *(mark("hoofed animal"), mark("ice cream"), mark("insect"), mark("landscape"), mark("meal")),
    *(mark("monkey or ape"), mark("spider"), mark("train")),
    # Those of `training.data.drawn.DRAWN_TASKS`.
    *(mark("circle"), mark("square"), mark("triangle"), mark("cross"), mark("ring")),
    *(mark("top left"), mark("top"), mark("top right"), mark("left"), mark("middle"), mark("right")),
    *(mark("bottom left"), mark("bottom"), mark("bottom right")),
    *(mark("same in a row"), mark("different in a row")),
    *(mark("wide, upright"), mark("wide, rising"), mark("wide, level"), mark("wide, falling")),
    *(mark("narrow, upright"), mark("narrow, rising"), mark("narrow, level"), mark("narrow, falling")),
}


def class_in_words(name: str) -> str:
    """A class's name as people read it; one that is not of ours stays as its file has it."""
    return tr(name) if name in _KNOWN else shown(name)


def noted_class(name: str) -> str:
    """`class_in_words` as a value of what is noted, for Markdown."""
    if isinstance(name, Noted):
        return name
    return noted(name) if name in _KNOWN else literal(name)
