"""The bundled models on every page, and which of them a visitor sees first."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from mixer_viz.checkpoints import bundled
from mixer_viz.checkpoints.bundled import bundled_models
from tests.app.driving import OTHERS, READ_CARD, ROOT, TIMEOUT, errors, start

pytestmark = pytest.mark.own_caches

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))


@pytest.mark.parametrize("model", OTHERS)
@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_with_it(page: str, model: str) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    app.query_params["model"] = model
    app.switch_page(f"pages/{page}.py").run()
    assert errors(app) == []
    assert app.selectbox(key="model").value == model
    assert len(app.title) == 1
    assert app.get("bidi_component")


def test_the_app_begins_with_the_model_whose_card_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "_read_card", READ_CARD)
    first = bundled_models()[0]
    assert first.is_first
    assert [model.is_first for model in bundled_models()].count(True) == 1
    assert start().selectbox(key="model").value == first.name
