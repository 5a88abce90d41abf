"""The classes of the bundled networks, in the language of whoever is looking."""

from __future__ import annotations

from mixer_viz.language import mark, tr

# Those of `images.photos.LOOKED_FOR`; a checkpoint of anybody's that has one of these names means the same by it.
_KNOWN = {
    *(mark("airplane"), mark("automobile"), mark("bird"), mark("cat"), mark("deer"), mark("dog"), mark("frog")),
    *(mark("horse"), mark("ship"), mark("truck")),
    *(mark("big cat"), mark("boat"), mark("bottle"), mark("bridge"), mark("building"), mark("bus or van")),
    *(mark("butterfly"), mark("car"), mark("clothing"), mark("cup or teapot"), mark("fruit"), mark("furniture")),
    *(mark("hoofed animal"), mark("ice cream"), mark("insect"), mark("landscape"), mark("meal")),
    *(mark("monkey or ape"), mark("spider"), mark("train")),
}


def class_in_words(name: str) -> str:
    """A class's name as people read it; one that is not of ours stays as its file has it."""
    return tr(name) if name in _KNOWN else name
