"""Opening, checking and reading the page of the token-mixing weights through AppTest."""

from __future__ import annotations

import base64
import re
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from mixer_viz.checkpoints.snapshots import snapshots_of
from tests.app.driving import BUNDLED, ROOT, TIMEOUT, errors, panel

ADDRESS = "token_mixing"
LABELS = [snapshot.label for snapshot in snapshots_of(BUNDLED)]
BLOCK, UNIT, TOKEN = 2, 17, 9  # counted from 0


def open_page(**query: str) -> AppTest:
    """A new visitor who opens a link to the page."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    for name, value in query.items():
        app.query_params[name] = value
    # What `switch_page` does once a first run has told it the address of the page, which is not the file's name.
    app._page_hash = calc_hash(ADDRESS)
    return app.run()


def check(app: AppTest) -> None:
    """The whole page is there, to its last line, and without an error."""
    assert errors(app) == []
    for key in ("atlas", "unit-maps", "activation", "talk", "field", "convolution"):
        assert panel(app, key)["grids"]
    assert {box.label for box in app.expander} >= {"In the formula", "What these pictures do not prove"}
    keys = {f"token-mixing-{kind}" for kind in ("png", "svg", "pdf", "npz", "csv")}
    assert keys <= {button.key for button in app.get("download_button")}
    charts = [chart.proto.id.rsplit("-", 1)[1] for chart in app.get("plotly_chart")]
    assert {"areas", "depth", "singular", "distance", "own"} <= set(charts)


def atlas(app: AppTest) -> list[dict[str, Any]]:
    return panel(app, "atlas")["grids"]


def tiles(grid: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Weights of an atlas by the number of the unit, (D_S, S), as the browser has them, and half a step of each."""
    peaks = np.frombuffer(base64.b64decode(grid["peaks"]), "<f4")[:, None]
    levels = np.frombuffer(base64.b64decode(grid["values"]), np.uint8).reshape(len(peaks), -1)
    place = np.argsort(grid["ids"])
    return ((levels - 128.0) / 127 * peaks)[place], (peaks / 254 * 1.001)[place]


def shows(grid: dict[str, Any], weights: np.ndarray) -> bool:
    found, step = tiles(grid)
    return bool((np.abs(found - weights) <= step).all())


def tables(app: AppTest) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The numbers of the unit, and the answers with the unit scaled."""
    numbers_of_unit, answers = (table.value for table in app.table)
    return (
        dict(zip(numbers_of_unit.iloc[:, 0], numbers_of_unit.iloc[:, 1], strict=True)),
        {str(column): answers[column].tolist() for column in answers.columns},
    )


def floats(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"[-+]?\d[\d.]*(?:e[-+]?\d+)?", text)]
