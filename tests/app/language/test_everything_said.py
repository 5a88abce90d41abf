"""Every word that a page shows is one of a message, so that no language has holes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.testing.v1 import AppTest

from mixer_viz.language import messages
from mixer_viz.ui import choices
from mixer_viz.ui.teaching.screen import Screen
from tests.app.driving import ROOT, TIMEOUT
from tests.app.language.saying import Marking, texts_sent, words_outside

VIEWS: list[tuple[str, dict[str, str]]] = [
    ("overview", {}),
    ("overview", {"show": "length", "model": "mixer_everyday", "image": "checkerboard"}),
    ("patches", {}),
    ("token_mixing", {"show_weights": "reading"}),
    *[
        ("activations", {"view": view})
        for view in ("layers", "channels", "stream", "prediction", "off", "shuffled", "formula")
    ],
    ("attribution", {}),
    *[("compared", {"part": part}) for part in ("photo", "costs", "swapped", "reordered")],
    ("learning", {}),
    ("learning", {"learn_part": "film-of-a-finished-training"}),
    ("lessons", {}),
]
# Of the learning page, as the training command and links have them; other languages say what they mean behind them.
SETTINGS = frozenset(
    [
        *("shapes", "where", "same-or-different", "stripes", "folder", "mlp", "attention", "convolution", "shift"),
        *("nonlocal", "pooling", "identity", "muon", "adamw", "muon-all", "sgd", "none", "shifts"),
        *("shifts-and-flips", "zooms-and-flips"),
    ]
)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[ForwardMsg]]:
    """What is sent to the browser from now on; every message is marked."""
    choices._shown_names.cache_clear()  # they are kept by language, and marks are none
    found: list[ForwardMsg] = []
    passed = Screen.passed

    def noting(screen: Screen, message: ForwardMsg) -> ForwardMsg | None:
        found.append(message)
        return passed(screen, message)

    monkeypatch.setattr(Screen, "passed", noting)
    monkeypatch.setattr(messages, "catalogue", lambda language: Marking())
    yield found
    choices._shown_names.cache_clear()


def names_of(page: str) -> frozenset[str]:
    """Words that are no messages: of lessons, which are files of their own, and of settings as the command has them."""
    if page == "lessons":
        files = (ROOT / "assets" / "lessons").glob("*.en.yaml")
        return frozenset(re.findall(r"[A-Za-z][A-Za-z'-]{2,}", " ".join(file.read_text("utf-8") for file in files)))
    return SETTINGS if page == "learning" else frozenset()


@pytest.mark.parametrize(("page", "link"), VIEWS, ids=[f"{page}-{'-'.join(link.values())}" for page, link in VIEWS])
def test_every_word_of_a_page_is_one_of_a_message(page: str, link: dict[str, str], sent: list[ForwardMsg]) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    for name, value in link.items():
        app.query_params[name] = value
    if page != "overview":
        app.switch_page(f"pages/{page}.py")
    app.run()
    assert not app.exception
    found = {(place, text[:120]) for place, text in texts_sent(sent) if words_outside(text, names_of(page))}
    assert len(sent) > 50
    assert found == set()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("⟦Block {block}⟧: 3 %", []),
        ("⟦Block⟧ three", ["three"]),
        ("⟦outer ⟦inner⟧ outer⟧ $x_{abc}$ `code` [⟦to⟧](#the-place)", []),
        ("**⟦cat⟧** and dog", ["and", "dog"]),
    ],
)
def test_a_word_outside_of_messages_is_found(text: str, words: list[str]) -> None:
    assert words_outside(text) == words
