"""Models that load and yet have nothing to show, or one output: one sentence, on every page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mixer_viz.checkpoints import save_model
from mixer_viz.model import MlpMixer
from tests.app.driving import chart, errors, texts, upload_weights

PAGES = ("overview", "patches", "token_mixing", "activations", "attribution")
NOT_FINITE = "The answer of this model to this picture is not finite"


def file_of(model: MlpMixer, path: Path) -> bytes:
    save_model(model, path)
    return path.read_bytes()


def test_an_answer_that_is_not_finite_is_one_sentence_on_every_page(
    app: AppTest, make_model: Callable[..., MlpMixer], tmp_path: Path
) -> None:
    model = make_model()
    block = model.blocks[0]
    for weight in (block.norm1.weight, block.token_mixing.fc1.weight, block.token_mixing.fc2.weight):
        weight.fill_(9e14)  # each is accepted, the three together are not finite
    upload_weights(app, "wild.safetensors", file_of(model, tmp_path / "wild.safetensors"))
    for page in PAGES:
        app.switch_page(f"pages/{page}.py").run()
        (sentence,) = errors(app)
        assert sentence.startswith(NOT_FINITE)
        assert not app.get("plotly_chart")
    app.selectbox(key="image").select_index(1).run()
    assert len(errors(app)) == 1


def test_weights_far_beyond_what_training_makes_are_refused(
    app: AppTest, make_model: Callable[..., MlpMixer], tmp_path: Path
) -> None:
    model = make_model()
    model.head.weight.fill_(3e38)
    upload_weights(app, "wild.safetensors", file_of(model, tmp_path / "wild.safetensors"))
    (sentence,) = errors(app)
    assert "not finite" in sentence


def test_one_output_is_no_certainty(app: AppTest, make_model: Callable[..., MlpMixer], tmp_path: Path) -> None:
    model = make_model(num_classes=1, class_names=("tumour",))
    upload_weights(app, "tumour.safetensors", file_of(model, tmp_path / "tumour.safetensors"))
    assert errors(app) == []
    shown = texts(app)
    assert "one output" in shown
    (percent,) = chart(app, "classes")["text"]
    assert percent not in ("100.0 %", "0.0 %")
    assert "knows only" not in shown
    for page in PAGES[1:]:
        app.switch_page(f"pages/{page}.py").run()
        assert errors(app) == []


@pytest.mark.parametrize("name", ["last.pth.tar", "weights"])
def test_any_ending_can_be_brought(
    app: AppTest, make_model: Callable[..., MlpMixer], tmp_path: Path, name: str
) -> None:
    upload_weights(app, name, file_of(make_model(), tmp_path / "x.safetensors"))
    assert errors(app) == []
    assert f"{name}: " in texts(app)
