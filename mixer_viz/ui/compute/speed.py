"""How long things take with the chosen model on this machine, by a pass that is timed; long ones wait for a button."""

from __future__ import annotations

import time

import streamlit as st
import torch

from mixer_viz.texts.waiting import ask_for
from mixer_viz.ui.choices import ChosenModel
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.gate import computing_on

MOST_UNASKED = 3.0  # seconds that a page may compute for what nobody has asked for
BACKWARD = 2.0  # a backward pass has about two forward passes' multiply-adds
_ASKED = "_asked_for"  # session state: keys of what was asked for
_MOST_ASKED = 64


@kept("model")
def pass_seconds(model: ChosenModel) -> float:
    """Seconds of one forward pass of one picture, the better of two: the first one warms up."""
    weight = model.model.stem.weight
    pixels = torch.zeros(1, 3, *model.config.image_shape, device=weight.device, dtype=weight.dtype)
    with torch.no_grad(), computing_on(weight.device):
        return min(_timed(model, pixels) for _ in range(2))


def _timed(model: ChosenModel, pixels: torch.Tensor) -> float:
    began = time.perf_counter()
    model.model(pixels).sum().item()  # waits for a GPU, too
    return time.perf_counter() - began


def is_wanted(what: str, seconds: float, place: str, *key: object) -> bool:
    """Whether to compute it now: what takes long waits for a button that says how long.

    Args:
        what: the thing, as the button names it.
        seconds: about how long it takes.
        place: the button's key.
        key: what it is computed of; once asked for, it stays so for the visit.
    """
    asked: list[tuple[object, ...]] = st.session_state.get(_ASKED, [])
    if seconds <= MOST_UNASKED or (place, *key) in asked:
        return True
    st.button(ask_for(what, seconds), key=place, on_click=_ask, args=((place, *key),))
    return False


def _ask(key: tuple[object, ...]) -> None:
    st.session_state[_ASKED] = [*st.session_state.get(_ASKED, []), key][-_MOST_ASKED:]
