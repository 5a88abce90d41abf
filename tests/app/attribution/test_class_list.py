"""Names of tens of thousands of classes are searched on the server; what is sent stays small."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mixer_viz.checkpoints import save_model
from mixer_viz.model import MlpMixer
from mixer_viz.ui.widgets.class_list import MOST_FOUND, find_classes
from tests.app.attribution.driving import finish, open_page
from tests.app.driving import errors, upload_weights

NAMES = tuple(f"kind {index} of dog" if index % 2 else f"cat number {index}" for index in range(20_000))


def test_words_are_found_in_any_case_and_beginnings_come_first() -> None:
    names = ["a hot dog", "Dog house", "cat", "DOG", "dogs of the house"]
    assert find_classes(names, "DOG") == ["Dog house", "DOG", "dogs of the house", "a hot dog"]
    assert find_classes(names, "house dog") == ["Dog house", "dogs of the house"]
    assert find_classes(names, " ") == find_classes(names, "bird") == []
    assert len(find_classes(NAMES, "dog")) == MOST_FOUND


def test_twenty_thousand_names_are_not_sent(make_model: Callable[..., MlpMixer], tmp_path: Path) -> None:
    save_model(make_model(num_classes=len(NAMES), class_names=NAMES), tmp_path / "many.safetensors")
    app = open_page(methods=["Logit of each patch"])
    app.session_state["methods"] = ["Logit of each patch"]
    upload_weights(app, "many.safetensors", (tmp_path / "many.safetensors").read_bytes())
    finish(app)
    assert errors(app) == []
    sent = sum(len(str(element.proto)) for element in app if hasattr(element, "proto"))
    assert sent < 400_000
    for key in ("target", "against"):
        assert len(app.selectbox(key=key).options) < 10
    app.text_input(key="class_search").set_value("kind 19999").run()
    app.selectbox(key="target").select("kind 19999 of dog").run()
    app.text_input(key="class_search").set_value("").run()
    assert app.selectbox(key="target").value == "kind 19999 of dog"
    finish(app)
    assert errors(app) == []
