"""What is trained: a preset, and every setting of it that may be changed; all of it is in the link."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import streamlit as st

from mixer_viz.model import TOKEN_MIXERS
from mixer_viz.training.data.drawn import DRAWN_TASKS, DrawnTask
from mixer_viz.training.data.drawn_batches import STEPS_PER_EPOCH
from mixer_viz.training.live.presets import PRESETS, Preset, recipe_with
from mixer_viz.training.recipe import Recipe
from mixer_viz.ui.widgets.given import give, hold


@dataclasses.dataclass(frozen=True)
class Field:
    """One setting with the values that may be chosen: small enough for any computer, and patches always divide."""

    name: str  # of `Recipe`, but for "task" and "steps"
    label: str
    options: Sequence[Any]


_FIELDS = (
    Field("task", "Pictures", list(DRAWN_TASKS)),
    Field("token_mixer", "What mixes the tokens", list(TOKEN_MIXERS)),
    Field("patch_size", "Patch size P, px", [2, 4, 8, 16]),
    Field("embed_dim", "Channels C", [16, 32, 48, 64, 96, 128]),
    Field("num_blocks", "Blocks", [1, 2, 3, 4]),
    Field("tokens_mlp_dim", "Hidden units of token mixing D_S", [8, 16, 32, 64, 128]),
    Field("channels_mlp_dim", "Hidden units of channel mixing D_C", [32, 64, 128, 256]),
    Field("optimizer", "Optimiser", ["muon", "adamw", "muon-all", "sgd"]),
    Field("lr", "Learning rate", [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 1.0]),
    Field("batch_size", "Batch", [8, 16, 32, 64, 128]),
    Field("steps", "Steps", [500, 1000, 2000, 4000, 8000]),
    Field("token_mixing_weight_decay", "Weight decay of token mixing", [0.0, 0.01, 0.1, 0.3, 1.0]),
    Field("token_mixing_std", "Random start of token mixing", [0.001, 0.01, 0.03, 0.1, 0.3]),
    Field("weight_decay", "Weight decay of the rest", [0.0, 0.01, 0.05, 0.1, 0.3]),
    Field("seed", "Seed", [0, 1, 2, 3, 4]),
)
_PRESET = "learn_preset"


def key_of(name: str) -> str:
    """The key of a setting's widget, and its name in the link."""
    return f"learn_{name}"


def values_of(preset: Preset) -> dict[str, Any]:
    """A preset as the fields show it."""
    special = {"task": preset.task, "steps": preset.recipe.epochs * STEPS_PER_EPOCH}
    return {field.name: special.get(field.name, getattr(preset.recipe, field.name, None)) for field in _FIELDS}


def pick_settings() -> tuple[Recipe, DrawnTask]:
    """Draw the widgets; returns the recipe and the pictures that they ask for."""
    left, right = st.columns([1, 2], gap="medium", vertical_alignment="bottom")
    titles = {preset.title: preset for preset in PRESETS.values()}
    with left:
        title = st.selectbox("Start from", list(titles), key=_PRESET, bind="query-params", on_change=_use_preset)
    preset = titles[title]
    right.markdown(f"{':material/warning: ' if preset.fails else ''}{preset.expect}")
    start = values_of(next(iter(PRESETS.values())))
    chosen: dict[str, Any] = {}
    with st.expander("Settings"):
        columns = st.columns(3, gap="medium")
        for place, field in enumerate(_FIELDS):
            with columns[place % len(columns)]:
                index = list(field.options).index(start[field.name])
                hold(key_of(field.name))
                chosen[field.name] = st.selectbox(
                    field.label,
                    field.options,
                    index=index,
                    format_func=_shown,
                    key=key_of(field.name),
                    bind="query-params",
                )
    task, steps = DRAWN_TASKS[chosen.pop("task")], chosen.pop("steps")
    return recipe_with(**chosen, epochs=steps // STEPS_PER_EPOCH), task


def _use_preset() -> None:
    titles = {preset.title: preset for preset in PRESETS.values()}
    for name, value in values_of(titles[st.session_state[_PRESET]]).items():
        give(key_of(name), value)


def _shown(value: Any) -> str:
    if value in DRAWN_TASKS:
        return DRAWN_TASKS[value].title
    if value in TOKEN_MIXERS:
        return TOKEN_MIXERS[value].title
    return f"{value:g}" if isinstance(value, float) else str(value)
