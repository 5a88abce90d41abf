"""The bundled models on every page, and which of them a visitor sees first."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from mixer_viz.checkpoints import bundled
from mixer_viz.checkpoints.bundled import bundled_models
from mixer_viz.images.samples import available_samples
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


def test_each_begins_with_a_picture_that_it_names_right_and_a_picture_stays_beside_another_model() -> None:
    titles = {sample.name: sample.title for sample in available_samples()}
    for model in bundled_models():
        app = start(model=model.name)
        assert app.selectbox(key="image").value == titles[model.first_picture]
        assert "image" not in app.query_params
        assert any("The answer is right." in text.value for text in app.markdown)
    app = start(model="mixer_everyday")
    shown = app.selectbox(key="image").value
    app.selectbox(key="model").select("mixer_cifar10").run()
    assert app.selectbox(key="image").value == shown
    assert titles["".join(app.query_params["image"])] == shown
