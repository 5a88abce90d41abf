"""Layers and classes are said in the language of whoever is looking; what tells layers apart stays English."""

from __future__ import annotations

import gettext

import numpy as np
import pytest

from mixer_viz.figures.activations import charts, maps
from mixer_viz.language import messages, noted, shown, speaking
from mixer_viz.model import MixerConfig
from mixer_viz.model.trace import stages_of
from mixer_viz.texts.names.classes import class_in_words, noted_class


class Marked(gettext.NullTranslations):
    """A language in which every message stands in brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = gettext.NullTranslations()
    monkeypatch.setattr(messages, "catalogue", lambda language: plain if language == "en" else Marked())


@pytest.mark.usefixtures("marked")
def test_names_of_layers_are_said_where_they_are_drawn(tiny_config: MixerConfig) -> None:
    names = [stage.name for stage in stages_of(tiny_config)]
    assert names[:3] == ["embedding", "block 1 token mixing", "block 1 channel mixing"]
    with speaking("zh"):
        bars = charts.contribution_bars(np.zeros(len(names)), names, 0)
        said = [shown(name) for name in names]
        assert said[:2] == ["⟦embedding⟧", "⟦block 1 token mixing⟧"]
        assert list(bars.data[0].customdata) == said
        assert list(bars.layout.xaxis.ticktext)[:3] == ["⟦embedding⟧", "⟦1 tokens⟧", "⟦1 channels⟧"]
        matrix = maps.cka_matrix(np.eye(len(names)), names, names, title="", note="")
        assert matrix.hover is not None
        assert matrix.hover[1] == "⟦⟦embedding⟧ and ⟦block 1 token mixing⟧: CKA 0.000⟧"
    assert list(charts.contribution_bars(np.zeros(len(names)), names, 0).data[0].customdata) == names


@pytest.mark.usefixtures("marked")
def test_names_of_classes_in_what_is_noted() -> None:
    title = noted("Who wrote the logit of {name}?", name=noted_class("cat"))
    assert title == "Who wrote the logit of cat?"  # what links call it, in every language
    with speaking("zh"):
        assert shown(title) == "⟦Who wrote the logit of ⟦cat⟧?⟧"
        assert class_in_words(noted("class {index}", index=3)) == "⟦class 3⟧"
        assert shown(noted_class(noted("class {index}", index=3))) == "⟦class 3⟧"
        assert (class_in_words("Patch"), noted_class("a*b")) == ("Patch", "a&#42;b")  # of a file, not of ours
