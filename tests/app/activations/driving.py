"""Opening, checking and reading the activations page through AppTest."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from tests.app.driving import ROOT, TIMEOUT, errors

# Of each view: panels and charts that must be there.
VIEWS = {
    "Layers": ("strip", "large", "vectors", "hidden"),
    "Channels": ("channel-atlas", "channel-strip"),
    "Residual stream": ("similarity", "written", "drift"),
    "Prediction": ("class-maps", "depth-answers", "parts"),
    "Switching off": ("each-alone",),
    "Shuffled patches": ("shuffled",),
    "Formula": ("formula-norm", "formula-first", "formula-second"),
}
FIELDS = {
    "Layers": ("layer", "token"),
    "Channels": ("layer", "channel"),
    "Residual stream": ("layer",),
    "Prediction": ("layer", "token"),
}
LAYER, TOKEN, CHANNEL = 3, 9, 17
SEEN = {"layer": str(LAYER), "token": str(TOKEN), "channel": str(CHANNEL)}


def open_page(**query: str) -> AppTest:
    """A new visitor who opens a link to the page."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    for name, value in {"image": "Cat", **query}.items():
        app.query_params[name] = value
    app._page_hash = calc_hash("activations")  # what `switch_page` does once a first run has told it the address
    return app.run()


def check(app: AppTest, view: str = "Layers") -> None:
    """The view is there, to the last line of the page, and without an error."""
    assert errors(app) == []
    assert (app.button_group(key="view").value or "Layers") == view  # an empty link presses no button
    for key in VIEWS[view]:
        assert key in shown(app)
    for other in set(VIEWS) - {view}:
        assert not shown(app) & set(VIEWS[other])
    assert {box.label for box in app.expander} >= {"In the formula", "What these pictures do not prove"}
    keys = {f"activations-{kind}" for kind in ("png", "svg", "pdf", "npz", "csv")}
    assert keys <= {button.key for button in app.get("download_button")}


def shown(app: AppTest) -> set[str]:
    """The keys of all pictures and charts."""
    return {part.proto.id.split("-", 2)[2] for kind in ("bidi_component", "plotly_chart") for part in app.get(kind)}


def traces(app: AppTest, key: str) -> list[dict[str, Any]]:
    (found,) = [part for part in app.get("plotly_chart") if part.proto.id.endswith(f"-{key}")]
    data: list[dict[str, Any]] = json.loads(found.proto.spec)["data"]
    return data


def heights(trace: dict[str, Any]) -> np.ndarray:
    """The y of a plotly trace."""
    if isinstance(trace["y"], dict):
        return np.frombuffer(base64.b64decode(trace["y"]["bdata"]), trace["y"]["dtype"])
    return np.array(trace["y"], dtype=float)


def floats(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?", text)]


def sentence(app: AppTest, words: str) -> str:
    (found,) = [text.value for text in app.markdown if words in text.value]
    return found
