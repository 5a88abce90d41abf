"""Another network beside the chosen one, on the same picture: one choice, in the link, for all pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from mixer_viz.checkpoints.coarse import network_of
from mixer_viz.checkpoints.snapshots import Snapshot, snapshots_of
from mixer_viz.language import mark, noted, tr
from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.texts import film as film_texts
from mixer_viz.texts.units import beside as texts
from mixer_viz.ui.choices import Choice, ChosenModel
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.sidebar.model_picker import OWN, has_own, is_own_chosen, load_chosen
from mixer_viz.ui.widgets.errors import one_sentence
from mixer_viz.ui.widgets.links import OWN_IN_LINK
from mixer_viz.ui.widgets.selection import pick_one, same_place

NOTHING = mark("Nothing")
_FIELD = "beside"


def pick_beside(choice: Choice, width: int = 240) -> str:
    """The field: nothing, moments of this network's training, other networks on this computer, the visitor's own."""
    return pick_one(tr("Beside it"), {NOTHING: "nothing", **_others(choice)}, _FIELD, width=width)


def is_alone(choice: Choice) -> bool:
    """Whether there is nothing to put beside this network."""
    return not _others(choice)


def _others(choice: Choice) -> dict[str, str]:
    """What the field shows -> its name in links."""
    moments = {each.label: f"stage-{each.stage}-epoch-{each.epoch}" for each in snapshots_of(choice.model.key)}
    names = [info.name for info in cached.model_list() if info.on_disk and info.name != choice.model.key]
    own = {OWN: OWN_IN_LINK} if has_own() and not is_own_chosen() else {}
    return {**moments, **{name: name for name in names}, **own}


def moment_beside(choice: Choice, name: str) -> Snapshot | None:
    """The moment of the chosen network's training that goes by this name in the field."""
    return next((each for each in snapshots_of(choice.model.key) if each.label == name), None)


def model_beside(name: str) -> ChosenModel:
    """The network of this name; raises CheckpointError with a sentence for the user."""
    if name == OWN:
        return load_chosen(OWN)
    return ChosenModel(name, name, cached.named_model(name))


def said_name(choice: Choice, name: str) -> str:
    """What the field shows for this network, noted where it is a message."""
    moment = moment_beside(choice, name)
    return moment.label if moment is not None else noted(OWN) if name == OWN else name


@kept("model", mark("Reading a network of the training …"))
def _moment_network(model: ChosenModel, label: str) -> MlpMixer | None:
    moment = next(each for each in snapshots_of(model.key) if each.label == label)
    return network_of(moment, model.config)


def choice_beside(choice: Choice, name: str) -> Choice | None:
    """The same picture for the network beside; None, with a note, where the whole network is not known."""
    if name == NOTHING:
        return None
    moment = moment_beside(choice, name)
    if moment is None:
        return Choice(model_beside(name), choice.picture)
    network = _moment_network(choice.model, name)
    if network is None:
        st.info(texts.moment_not_kept(said_name(choice, name)))
        return None
    title = tr("{model}, {moment}", model=choice.model.title, moment=moment.label)
    return Choice(ChosenModel(f"{choice.model.key}@{name}", title, network), choice.picture)


def same_training(choice: Choice, other: Choice) -> bool:
    """Whether the other network is a moment of this one's training, with the same units and channels."""
    return other.model.key.startswith(f"{choice.model.key}@")


def show_beside(choice: Choice, name: str, show: Callable[[Choice], None]) -> None:
    """What `show` draws of the network beside, below its name and what can be compared; nothing where none is chosen.

    What goes wrong with it is one sentence in its place: the page's own pictures stay.
    """
    if name == NOTHING:
        return
    with st.container(key="beside_view"), one_sentence():
        other = choice_beside(choice, name)
        if other is not None:
            cached.answer_of(other)  # not finite: one sentence, and nothing of it
            heading(choice, other, name)
            show(other)


def heading(choice: Choice, other: Choice, name: str) -> None:
    """The name of the network beside, and in which way it differs."""
    st.markdown(tr("**Beside it: {model}**", model=other.model.shown_title))
    sentences = texts.what_compares(
        choice.model.shown_title, other.model.shown_title, choice.model.config, other.model.config
    )
    moment = moment_beside(choice, name)
    if moment is not None:
        sentences.append(film_texts.worth(moment.coarse_accuracy, moment.whole_accuracy, moment.measured_on))
    if sentences:
        st.caption(" ".join(sentences))


def layer_beside(layer: int, config: MixerConfig, beside: MixerConfig) -> int:
    """The layer of another network that lies as deep: token mixing to token mixing, the embedding to itself."""
    if layer == 0 or config.num_blocks == beside.num_blocks:
        return layer
    block, half = divmod(layer - 1, 2)
    return 1 + 2 * same_place(block, (1, config.num_blocks), (1, beside.num_blocks)) + half


def mark_beside(token: int, config: MixerConfig, beside: MixerConfig) -> dict[str, Any]:
    """How `show_grids` marks the patch of another network that lies at the same place of the picture.

    On the same grid the mark is the page's own; on another one it has another number, so it is a mark of its own.
    """
    if config.grid_shape == beside.grid_shape:
        return {"marks": "token"}
    return {"marks": "place", "selected": same_place(token, config.grid_shape, beside.grid_shape)}


def class_beside(choice: Choice, other: Choice, index: int) -> int | None:
    """The class of the other network that goes by the same name; None where it has none of that name."""
    names, theirs = choice.model.config.class_names, other.model.config.class_names
    if names is None or theirs is None:
        return None
    return theirs.index(names[index]) if names[index] in theirs else None
