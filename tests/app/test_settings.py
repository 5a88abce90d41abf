"""What visitors can do on a server whose settings say less than all."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from streamlit.testing.v1 import AppTest

from mixer_viz.ui.compute import cached
from mixer_viz.ui.learning.table import live_table
from mixer_viz.ui.serving.settings import PREFIX, settings
from tests.app.driving import BUNDLED, OTHERS, ROOT, TIMEOUT, check, errors, made_png, start, texts, upload_picture

Set = Callable[..., None]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[Set]:
    def put(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(PREFIX + name, value)
        settings.cache_clear()
        cached.model_list.clear()

    yield put
    settings.cache_clear()


def test_a_public_server_offers_what_it_brings(given: Set) -> None:
    assert len(start().selectbox(key="model").options) > 1
    given(PUBLIC="on")
    app = start(model="mixer_b16_224.goog_in21k_ft_in1k")
    check(app, "overview")
    assert app.selectbox(key="model").options == [BUNDLED, *OTHERS]
    assert any("asked for what is not here" in warning.value for warning in app.warning)


def test_without_training_the_page_shows_the_film(given: Set) -> None:
    given(TRAINING="off")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT).switch_page("pages/learning.py").run()
    assert errors(app) == []
    assert "Training is switched off on this server" in texts(app)
    keys = {button.key for button in app.button}
    assert not keys & {"learn_start", "learn_step", "learn_reset"}
    assert "film" in texts(app).lower()
    assert live_table()._runs == {}


def test_what_one_visitor_brings_is_bounded(given: Set) -> None:
    given(VISITOR_MIB="1")
    app = start()
    large = made_png(size=(800, 600))
    assert len(large) > 2**20
    upload_picture(app, "large.png", large)
    (sentence,) = errors(app)
    assert sentence.startswith("This server keeps 1 MiB of one visitor's files")
    assert sentence.endswith("The picture before it stays.")
    upload_picture(app, "small.png", made_png())
    assert errors(app) == []


def test_the_fields_say_the_largest_file(given: Set) -> None:
    given(UPLOAD_MIB="5")
    found = {field.key: field.proto.max_upload_size_mb for field in start().get("file_uploader")}
    assert found == {"weights_file": 5, "side_file": 4, "picture_file": 5}


def test_a_setting_that_leaves_no_model_is_a_sentence(given: Set) -> None:
    given(MODELS="mixer_b16_224.goog_in21k_ft_in1k", DOWNLOADS="off")
    (sentence, *_) = errors(start())
    assert "offers nothing that is on this computer" in sentence
