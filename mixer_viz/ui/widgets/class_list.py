"""Which classes a field offers: all, or, of more names than a browser should be sent, those that a search finds."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mixer_viz.language import tr
from mixer_viz.ui.widgets.links import asked_for

MOST_SENT = 1_000  # names in one field: ImageNet's take 33 KB, those of ImageNet-21k would take 0.7 MB at every run
MOST_FOUND = 50


def find_classes(names: Sequence[str], words: str) -> list[str]:
    """The names that hold all of these words, in any case; those that begin with them first, MOST_FOUND at most."""
    asked = words.casefold().split()
    if not asked:
        return []
    found = [name for name in names if all(word in name.casefold() for word in asked)]
    return sorted(found, key=lambda name: not name.casefold().startswith(asked[0]))[:MOST_FOUND]


def offered_classes(names: list[str], best: Sequence[str], keys: Sequence[str]) -> dict[str, int]:
    """What the fields under `keys` offer, with its number.

    Where names are too many to be sent, a search on the server is drawn, and these are the best classes, what is found,
    and what the fields or the link hold already.
    """
    numbers = {name: index for index, name in enumerate(names)}
    if len(names) <= MOST_SENT:
        return numbers
    words = st.text_input(
        tr("Find a class"),
        key="class_search",
        placeholder=tr("words of one of {count:,} names", count=len(names)),
        width=300,
    )
    found = find_classes(names, words)
    if words.strip():
        st.caption(_offered(len(found)))
    asked = (asked_for(key) for key in keys)  # a class is its number in links, and was its name
    linked = [names[int(each)] if each.isdecimal() and int(each) < len(names) else each for each in asked]
    held = [str(st.session_state.get(key)) for key in keys]
    return {name: numbers[name] for name in [*best, *found, *linked, *held] if name in numbers}


def _offered(count: int) -> str:
    if count == MOST_FOUND:
        return tr("Offered below: the best classes, and the first {count} that have these words.", count=count)
    return tr("Offered below: the best classes, and {count} that have these words.", count=count)
