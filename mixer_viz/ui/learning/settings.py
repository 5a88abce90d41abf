"""What is trained: a preset, and every setting of it that may be changed; all of it is in the link."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import streamlit as st

from mixer_viz.checkpoints import choose_device
from mixer_viz.language import SOURCE, current, mark, noted, tr
from mixer_viz.model import TOKEN_MIXERS
from mixer_viz.texts import learning as texts
from mixer_viz.texts.from_files import literal_sentence
from mixer_viz.training.data.drawn import DRAWN_TASKS
from mixer_viz.training.data.drawn_batches import STEPS_PER_EPOCH
from mixer_viz.training.data.pictures import Pictures
from mixer_viz.training.live.presets import AUGMENTATIONS, PRESETS, Preset, check_size, live_recipe
from mixer_viz.training.recipe import Recipe
from mixer_viz.ui.learning import data
from mixer_viz.ui.widgets.contents import folded
from mixer_viz.ui.widgets.given import give, hold
from mixer_viz.ui.widgets.links import Read, asked_for, begin_field, end_field, one_of

Settings = tuple[Recipe, Pictures]


@dataclasses.dataclass(frozen=True)
class Field:
    """One setting with the values that may be chosen: patches always divide, and links hold the values as they are."""

    name: str  # of `Recipe`, but for "task", "steps" and "augmentation"
    label: str
    options: Sequence[Any]


_TASK = "task"
_FIELDS = (
    Field(_TASK, mark("Pictures"), (*DRAWN_TASKS,)),  # and what else there is: `options_of`
    Field("token_mixer", mark("What mixes the tokens"), list(TOKEN_MIXERS)),
    Field("patch_size", mark("Patch size P, px"), [2, 4, 8, 16]),
    Field("embed_dim", mark("Channels C"), [16, 32, 48, 64, 96, 128]),
    Field("num_blocks", mark("Blocks"), [1, 2, 3, 4]),
    Field("tokens_mlp_dim", mark("Hidden units of token mixing D_S"), [8, 16, 32, 64, 128]),
    Field("channels_mlp_dim", mark("Hidden units of channel mixing D_C"), [32, 64, 128, 256]),
    Field("optimizer", mark("Optimiser"), ["muon", "adamw", "muon-all", "sgd"]),
    Field("lr", mark("Learning rate"), [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 1.0]),
    Field("batch_size", mark("Batch"), [8, 16, 32, 64, 128]),
    Field("steps", mark("Steps"), [500, 1000, 2000, 4000, 8000]),
    Field("token_mixing_weight_decay", mark("Weight decay of token mixing"), [0.0, 0.01, 0.1, 0.3, 1.0]),
    Field("token_mixing_std", mark("Random start of token mixing"), [0.001, 0.01, 0.03, 0.1, 0.3]),
    Field("weight_decay", mark("Weight decay of the rest"), [0.0, 0.01, 0.05, 0.1, 0.3]),
    Field("augmentation", mark("Augmentation"), list(AUGMENTATIONS)),
    Field("seed", mark("Seed"), [0, 1, 2, 3, 4]),
)
_AUGMENTATION = "shifts-and-flips"  # at first
_PRESET = "learn_preset"
PRESET_CHOSEN = "_learn_preset_chosen"  # session state: another one was chosen, and no training has begun with it yet
_OWN = mark("Settings of your own")
# What words among the values mean: English ones say it themselves, other languages add it.
_MEANINGS: dict[str, str] = {
    **{name: task.title for name, task in DRAWN_TASKS.items()},
    data.FOLDER: texts.YOUR_PICTURES,
    **{name: mixer.title for name, mixer in TOKEN_MIXERS.items()},
    "none": mark("none"),
    "shifts": mark("shifts"),
    "shifts-and-flips": mark("shifts and flips"),
    "zooms-and-flips": mark("zooms and flips"),
}
# What links of earlier versions call the values.
_OLD: dict[str, dict[str, str]] = {
    _TASK: {task.title: name for name, task in DRAWN_TASKS.items()},
    "token_mixer": {mixer.title: name for name, mixer in TOKEN_MIXERS.items()},
}


def key_of(name: str) -> str:
    """The key of a setting's widget, and its name in the link."""
    return f"learn_{name}"


def options_of(field: Field) -> list[Any]:
    """What may be chosen on this computer."""
    return data.names_of_pictures() if field.name == _TASK else list(field.options)


def values_of(preset: Preset) -> dict[str, Any]:
    """A preset as the fields show it."""
    special = {
        _TASK: preset.task,
        "steps": preset.recipe.epochs * STEPS_PER_EPOCH,
        "augmentation": _AUGMENTATION,
    }
    return {field.name: special.get(field.name, getattr(preset.recipe, field.name, None)) for field in _FIELDS}


def pick_settings() -> Settings | None:
    """Draw the widgets; returns what they ask for, or says why that cannot be trained and returns None."""
    _read_link()
    above = st.container()
    start = values_of(next(iter(PRESETS.values())))
    with folded(noted("Settings")):
        columns = st.columns(3, gap="medium")
        for place, field in enumerate(_FIELDS):
            with columns[place % len(columns)]:
                _draw(field, start[field.name])
    with above:
        _draw_presets()
    if st.session_state[key_of(_TASK)] == data.FOLDER:
        data.bring_folder()
    try:
        chosen = asked_settings()
    except ValueError as exc:
        st.error(literal_sentence(exc))
        return None
    if chosen is not None:
        recipe, pictures = chosen
        mixer = next(tr(mixer.title) for name, mixer in TOKEN_MIXERS.items() if name == recipe.token_mixer)
        st.caption(texts.task_in_words(tr(pictures.title), tr(pictures.teaches), pictures.chance, mixer))
    return chosen


def asked_settings() -> Settings | None:
    """What the fields ask for, drawn or not, also within a callback; None while a folder is awaited.

    Raises ValueError, one sentence, for what cannot be trained.
    """
    for field in _FIELDS:
        hold(key_of(field.name))
    values = _values()
    pictures = data.chosen_pictures(values.pop(_TASK))
    if pictures is None:
        return None
    recipe = live_recipe(pictures, **values)
    check_size(recipe, pictures, choose_device("auto").type)
    return recipe, pictures


def _values() -> dict[str, Any]:
    start = values_of(next(iter(PRESETS.values())))
    return {field.name: st.session_state.get(key_of(field.name), start[field.name]) for field in _FIELDS}


def _draw(field: Field, start: Any) -> None:
    options, key = options_of(field), key_of(field.name)
    begin_field(key, start, _reader(field, options))
    hold(key)
    if st.session_state.get(key, start) not in options:
        st.session_state[key] = start
    chosen = st.selectbox(
        tr(field.label),
        options,
        index=options.index(start),
        format_func=_said,
        key=key,
        disabled=field.name == "augmentation" and st.session_state.get(key_of(_TASK)) in DRAWN_TASKS,
        help=tr(texts.FIELD_HELP.get(field.name, "")) or None,
    )
    end_field(key, chosen, None if chosen == start else _shown(chosen))


def _reader(field: Field, options: Sequence[Any]) -> Read[Any]:
    """From the link, that of an earlier version too, to one of the options."""
    names, old = {_shown(option): option for option in options}, _OLD.get(field.name, {})
    return lambda values: names.get(old.get(values[-1], values[-1]))


def _draw_presets() -> None:
    """Where to start from; whoever changes a field has settings of their own."""
    values = _values()
    presets = {preset.title: preset for preset in PRESETS.values()}
    same = next((title for title, preset in presets.items() if values_of(preset) == values), _OWN)
    st.session_state[_PRESET] = same
    left, right = st.columns([1, 2], gap="medium", vertical_alignment="bottom")
    with left:
        options = [*presets, *([_OWN] if same == _OWN else [])]
        st.selectbox(tr("Start from"), options, key=_PRESET, on_change=_use_preset, format_func=tr)
    if same != _OWN:
        warning, expect = ":material/warning: " if presets[same].fails else "", tr(presets[same].expect)
        right.markdown(f"{warning}{expect}")


def _use_preset() -> None:
    st.session_state[PRESET_CHOSEN] = True
    for preset in PRESETS.values():
        if preset.title == st.session_state[_PRESET]:
            _give_all(preset)


def _give_all(preset: Preset) -> None:
    for name, value in values_of(preset).items():
        give(key_of(name), value)


def _read_link() -> None:
    """A preset, where the link has nothing but that."""
    names = {preset.title: preset.name for preset in PRESETS.values()}
    if begin_field(_PRESET, next(iter(names)), one_of(names)):
        preset = next(each for each in PRESETS.values() if each.title == st.session_state[_PRESET])
        if not any(asked_for(key_of(field.name)) for field in _FIELDS):
            for name, value in values_of(preset).items():
                st.session_state[key_of(name)] = value
    end_field(_PRESET, st.session_state.get(_PRESET), None, names.get(st.session_state.get(_PRESET, "")))  # see below


def _said(value: Any) -> str:
    """A value as its field shows it: as links and the training command have it, and what it means."""
    if current() == SOURCE or value not in _MEANINGS:
        return _shown(value)
    return tr("{value} ({meaning})", value=value, meaning=tr(_MEANINGS[value]))


def _shown(value: Any) -> str:
    """A value as links have it."""
    return f"{value:g}" if isinstance(value, float) else str(value)
