"""Opening, waiting for and reading the Attributions page through AppTest."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

import mixer_viz as mv
from mixer_viz.analysis.attribution.result import Attribution
from mixer_viz.analysis.attribution.table import methods_for
from mixer_viz.checkpoints import save_model
from mixer_viz.images.samples import load_sample
from mixer_viz.model import MlpMixer
from tests.app.driving import ROOT, TIMEOUT, errors, numbers, panel

WORK_SECONDS = 300.0  # all that is at work; a busy machine is slow
BASELINE = "mean"  # the page's first
PATCH_LOGITS, ABLATION = "Logit of each patch", "Patch ablation"  # two that are quick
GRADIENTS = "Integrated gradients"


def open_page(**query: str | list[str]) -> AppTest:
    """A new visitor who opens a link to the page; computations may still be at work."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    for name, value in {"image": "Cat", **query}.items():
        app.query_params[name] = value
    app._page_hash = calc_hash("attribution")  # what `switch_page` does once a first run has told it the address
    return app.run()


def open_done(*methods: str, **query: str | list[str]) -> AppTest:
    """`open_page` of a link to these methods, with everything worked out."""
    return finish(open_page(methods=list(methods), **query))


def finish(app: AppTest) -> AppTest:
    """Run the page again, as its timer does, until nothing is at work."""
    deadline = time.monotonic() + WORK_SECONDS
    while app.get("progress"):
        assert time.monotonic() < deadline, [bar.proto.text for bar in app.get("progress")]
        app.run()
    assert errors(app) == []
    return app


def check(app: AppTest, maps: int) -> None:
    """The whole page is there, to its last line, with so many maps."""
    assert errors(app) == []
    for place in range(maps):
        assert panel(app, f"map-{place}")["grids"]
    assert not any(part.proto.id.endswith(f"-map-{maps}") for part in app.get("bidi_component"))
    for key in ("map-photo", "deleted-pictures"):
        assert panel(app, key)["grids"]
    assert {box.label for box in app.expander} >= {"In the formula", "What these pictures do not prove"}
    keys = {f"attributions-{kind}" for kind in ("png", "svg", "pdf", "npz", "csv")}
    assert keys <= {button.key for button in app.get("download_button")}


def real(model: MlpMixer, target: int, title: str, **options: Any) -> Attribution:
    """What the library says of the cat, by the method of this title."""
    (name,) = [row.name for row in methods_for(model.config).values() if row.title == title]
    pixels = mv.preprocess(load_sample("cat"), model)
    return mv.attribute(model, pixels, target, name, **{"baseline": BASELINE, **options})


def map_of(app: AppTest, place: int) -> dict[str, Any]:
    (grid,) = panel(app, f"map-{place}")["grids"]
    found: dict[str, Any] = grid
    return found


def shows(app: AppTest, place: int, wanted: Attribution) -> bool:
    """Whether a map at patch level has these values; passes in other chunks differ in the last digits of float32."""
    found = numbers(map_of(app, place))
    size = float(np.abs(wanted.patch_map).max()) or 1.0
    return found.shape == wanted.patch_map.shape and bool(np.allclose(found, wanted.patch_map, atol=1e-3 * size))


def explained(app: AppTest) -> list[str]:
    """The class whose button is pressed; empty when it is none of the five best."""
    buttons = [button for button in app.button if (button.key or "").startswith("target_")]
    return [re.sub(r" [\d.]+ %$", "", button.label) for button in buttons if button.proto.type == "primary"]


def column(app: AppTest, first: str, title: str) -> dict[str, str]:
    """A column of the table whose first column is called `first`, by what the first column says."""
    (table,) = [table.value for table in app.table if table.value.columns[0] == first]
    return dict(zip(table[first], table[title], strict=True))


def sentence(app: AppTest, words: str) -> str:
    (found,) = [text.value for text in app.markdown if words in text.value]
    return str(found)


def floats(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?", text)]


def checkpoint(model: MlpMixer, folder: Path) -> bytes:
    save_model(model, folder / "mine.safetensors")
    return (folder / "mine.safetensors").read_bytes()
