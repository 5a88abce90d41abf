"""What the network of a moment of its training says of the visitor's picture."""

from __future__ import annotations

import dataclasses

import numpy as np
import streamlit as st
import torch

from mixer_viz.analysis.arrays import one_image, probabilities, to_double
from mixer_viz.checkpoints import snapshots
from mixer_viz.checkpoints.coarse import network_of
from mixer_viz.figures.film import answers_chart
from mixer_viz.language import mark, noted, shown, tr
from mixer_viz.texts import film as texts
from mixer_viz.texts.from_files import literal
from mixer_viz.texts.names.classes import class_in_words
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.gate import computing_on
from mixer_viz.ui.grid_panel import show_chart
from mixer_viz.ui.widgets.contents import section


@dataclasses.dataclass(frozen=True)
class MomentAnswer:
    """The answer at one moment."""

    place: int  # among the moments of the film
    probabilities: np.ndarray  # (num_classes,)
    worth: str  # how far the network in the file is the one of that moment, a sentence, noted or marked


@kept("result", mark("Asking the networks of the training …"))
def answers_through(choice: Choice) -> tuple[MomentAnswer, ...]:
    """At every moment of which the whole network is known, first to last; empty where that is the last one alone."""
    config = choice.model.config
    moments = snapshots.snapshots_of(choice.model.key)
    found = []
    for place, moment in enumerate(moments[:-1]):
        if moment.says_nothing:
            found.append(MomentAnswer(place, np.full(config.num_classes, 1 / config.num_classes), texts.SAYS_NOTHING))
        elif (network := network_of(moment, config)) is not None:
            pixels = cached.pixels_of(choice.picture, choice.model).cpu()
            with computing_on(pixels.device), torch.no_grad():
                logits = network(pixels)
            worth = texts.worth(moment.coarse_accuracy, moment.whole_accuracy, moment.measured_on)
            found.append(MomentAnswer(place, probabilities(to_double(one_image(logits))), worth))
    if not found:
        return ()
    return (*found, MomentAnswer(len(moments) - 1, cached.answer_of(choice), texts.FINISHED))


def show_answers(choice: Choice, labels: tuple[str, ...], both: tuple[str, str]) -> None:
    """The answers of both moments in words, and those through the training as curves."""
    answers = {answer.place: answer for answer in answers_through(choice)}
    if not answers:
        return
    section(noted("What it says of your picture"))
    names = [literal(class_in_words(name), 40) for name in choice.model.config.class_names or ()]
    said = [shown(label) for label in labels]
    known = [said[place] for place in answers]
    for column, label in zip(st.columns(2, gap="medium"), both, strict=True):
        answer = answers.get(labels.index(label))
        if answer is None:
            column.markdown(texts.not_kept(shown(label), known))
        else:
            column.markdown(texts.moment_answer(shown(label), names, answer.probabilities))
            column.caption(tr(answer.worth))
    classes = _worth_a_curve([answer.probabilities for answer in answers.values()])
    curves = {names[each]: np.array([answer.probabilities[each] for answer in answers.values()]) for each in classes}
    marked = sorted({labels.index(label) for label in both})
    figure = answers_chart(said, list(answers), curves, marked)
    show_chart(figure, key="film_answers", alt=texts.answers_in_words(known, curves))


def _worth_a_curve(probabilities: list[np.ndarray], most: int = 4) -> list[int]:
    """The classes that were the best guess at some moment, the last one's first; without the first moment's tie."""
    last_first = [int(each.argmax()) for each in reversed(probabilities) if each.max() > each.min()]
    runner_up = [int(place) for place in probabilities[-1].argsort()[::-1][:3]]
    return list(dict.fromkeys([*last_first, *runner_up]))[:most]
