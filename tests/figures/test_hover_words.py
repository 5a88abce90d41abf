"""What pictures of cells say: whole sentences, in English as ever, and all of them in the visitor's language."""

from __future__ import annotations

import gettext

import numpy as np
import pytest

from mixer_viz.figures.common import stage_in_words, stage_label
from mixer_viz.figures.grid import Grid
from mixer_viz.figures.hover_words import LATER
from mixer_viz.figures.theme import SCALES
from mixer_viz.language import messages, speaking

VALUES = {"row": 1, "column": 2, "number": 5, "place": "here", "quantity": "length", "value": "0.5", "hover": "unit 3"}


class Bracketed(gettext.NullTranslations):
    """A language in which every message stands between brackets."""

    def gettext(self, message: str) -> str:
        return f"[{message}]"


def words(**how: object) -> dict[str, str]:
    settings = {"title": "T", "description": "D.", "rows": 2, "columns": 3, "values": np.ones(6)}
    grid = Grid(**{**settings, "scale": SCALES["norm"], **how})  # type: ignore[arg-type]
    return grid.payload()["words"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("how", "place"),
    [
        ({}, "patch 5 (row 1, column 2)"),
        ({"cell": "channel", "rows": 1, "columns": 6}, "channel 5"),
        ({"select": "row"}, "token 1, channel 2"),
        ({"select": "row", "across": "reads token"}, "token 1, reads token 2"),
        ({"pick_side": 2, "rows": 4, "columns": 2, "values": np.ones(8)}, "pixel (row 1, column 2) in patch 5"),
    ],
)
def test_places(how: dict[str, object], place: str) -> None:
    assert words(**how)["place"].format(**VALUES) == place


def test_values_and_what_is_selected() -> None:
    plain, rows = words(), words(select="row")
    assert plain["reading"].format(**VALUES) == "here: length 0.5"
    assert (plain["less"].format(**VALUES), plain["more"].format(**VALUES)) == ("0.5 or less", "0.5 or more")
    assert (plain["kind"].format(**VALUES), rows["kind"].format(**VALUES)) == ("patch 5", "token 5")
    tiles = words(values=np.ones((6, 2, 2)), tile=(2, 2), hover=("",) * 6)
    assert tiles["reading"].format(**VALUES) == "unit 3; patch 5 (row 1, column 2): ≈ 0.5"


@pytest.mark.parametrize("how", [{}, {"select": "row"}, {"rows": 1, "columns": 6}, {"scale": SCALES["attribution"]}])
def test_no_word_is_left_in_english(how: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "catalogue", lambda language: Bracketed())
    settings = {"title": "T", "description": "D.", "rows": 2, "columns": 3, "values": np.ones(6)}
    with speaking("zh"):
        data = Grid(**{**settings, "scale": SCALES["norm"], **how}).payload()  # type: ignore[arg-type]
    said = [*data["words"].values(), data["name"], data["quantity"], data["label"], data["cell"], data["across"]]
    assert all(each.startswith("[") and each.endswith("]") for each in said)
    assert data["words"]["kind"].format(**dict.fromkeys(LATER, "")).count("[") == 2  # what is picked, in a sentence


def test_stages_are_said_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "block 3 channel mixing"
    assert stage_in_words(name) == name
    monkeypatch.setattr(messages, "catalogue", lambda language: Bracketed())
    with speaking("zh"):
        assert stage_in_words(name) == "[block 3 channel mixing]"
        assert stage_in_words("embedding") == "[embedding]"
        assert stage_label("block 3 token mixing", 0.5) == ("[Block 3]", "[tokens [+50 %]]")
