"""Two small networks that differ in their optimiser alone: what is said of them, and the link that shows both."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from mixer_viz.checkpoints import available_models
from mixer_viz.checkpoints.bundled import ASSETS_DIR
from mixer_viz.ui.token_mixing.optimisers import CLEAR, NOISY
from tests.app.driving import PAGES, errors, panel, start

SAID = "Of two small networks, trained alike for six epochs"


def opened(**query: str) -> AppTest:
    PAGES.setdefault("token_mixing", "pages/token_mixing.py")
    return start("token_mixing", **query)


def said(app: AppTest) -> list[str]:
    return [each.value for each in app.markdown if each.value.startswith(SAID)]


def test_their_cards_figures_are_said() -> None:
    (text,) = said(opened())
    for name in (CLEAR, NOISY):
        card = json.loads((ASSETS_DIR / f"{name}.json").read_text(encoding="utf-8"))
        assert f"{card['accuracy']:.1f} %" in text
        assert sum(stage["epochs_done"] for stage in card["stages"]) == 6


def test_the_link_puts_one_beside_the_other() -> None:
    link = next(each.proto for each in opened().get("page_link") if each.proto.label == "Put one beside the other")
    query = {key: values[0] for key, values in parse_qs(link.query_string).items()}
    app = start(**query)
    assert errors(app) == []
    assert (app.selectbox(key="model").value, app.selectbox(key="beside").value) == (CLEAR, NOISY)
    assert panel(app, "beside-atlas-1")["grids"]


def test_where_they_are_not_offered_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = [info for info in available_models() if info.name != NOISY]
    monkeypatch.setattr("mixer_viz.ui.compute.cached.model_list", lambda: offered)
    assert said(opened()) == []
