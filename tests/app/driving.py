"""Reading and driving the app through AppTest: pages, uploads, the payloads of the pictures."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from mixer_viz.checkpoints import bundled
from mixer_viz.checkpoints.bundled import bundled_models
from tests.made_images import encode

ROOT = Path(__file__).parents[2]
BUNDLED = "mixer_cifar10"  # the tests begin with it: the smaller one
READ_CARD = bundled._read_card
OTHERS = [model.name for model in bundled_models() if model.name != BUNDLED]
PAGES = {"overview": "pages/overview.py", "patches": "pages/patches.py"}
PANELS = {"overview": ("front", "stages", "pooled"), "patches": ("patch-panel", "vector-panel", "filter-panel")}
TIMEOUT = 60  # seconds; a busy machine may take long for the first run, which imports PyTorch


def start(page: str = "overview", **query: str) -> AppTest:
    """A new visitor who opens a link to `page`."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    for name, value in query.items():
        app.query_params[name] = value
    if page != "overview":
        app.switch_page(PAGES[page])
    return app.run()


def go(app: AppTest, page: str) -> AppTest:
    """What a click on the page's name in the sidebar does."""
    return app.switch_page(PAGES[page]).run()


def errors(app: AppTest) -> list[str]:
    """The sentences shown in red; fails at once on a traceback."""
    assert not app.exception
    return [element.value for element in app.error]


def check(app: AppTest, page: str) -> None:
    """The whole page is there: title, sidebar, every picture, the download buttons, and no error."""
    assert errors(app) == []
    assert len(app.title) == 1
    assert {box.key for box in app.sidebar.selectbox} == {"model", "image"}
    assert app.number_input(key="token").value is not None
    for key in PANELS[page]:
        assert panel(app, key)["grids"]
    keys = {f"{page}-{kind}" for kind in ("png", "svg", "pdf", "npz", "csv")}
    assert keys <= {button.key for button in app.get("download_button")}


def panel(app: AppTest, key: str) -> dict[str, Any]:
    """What the browser is given to draw for one panel."""
    (found,) = [part for part in app.get("bidi_component") if part.proto.id.endswith(f"-{key}")]
    return json.loads(found.proto.json)


def numbers(grid: dict[str, Any]) -> np.ndarray:
    """The values of one grid of a panel, as the browser reads them; exact only where they travel as float32."""
    data = base64.b64decode(grid["values"])
    if grid["coarse"]:
        return (
            grid["limits"][0][0] + np.frombuffer(data, np.uint8) * (grid["limits"][0][1] - grid["limits"][0][0]) / 255
        )
    return np.frombuffer(data, "<f4")


def chart(app: AppTest, key: str) -> dict[str, Any]:
    """The first trace of a plotly chart."""
    (found,) = [part for part in app.get("plotly_chart") if part.proto.id.endswith(f"-{key}")]
    return json.loads(found.proto.spec)["data"][0]


def top_class(app: AppTest) -> str:
    return chart(app, "classes")["hovertext"][0]


def crop_of(app: AppTest) -> str:
    """The crop that the page shows, as the URL that carries its bytes: the same picture, the same text."""
    key, index = ("front", 1) if panel_is_there(app, "front") else ("patch-panel", 0)
    return panel(app, key)["grids"][index]["photo"]


def panel_is_there(app: AppTest, key: str) -> bool:
    return any(part.proto.id.endswith(f"-{key}") for part in app.get("bidi_component"))


def texts(app: AppTest) -> str:
    """Every text that the visitor could read, and what is sent beside it."""
    return "\n".join(str(element.proto) for element in app if hasattr(element, "proto"))


def upload_picture(app: AppTest, name: str, data: bytes) -> AppTest:
    return app.file_uploader(key="picture_file").upload(name, data, "image/png").run()


def upload_weights(app: AppTest, name: str, data: bytes) -> AppTest:
    return app.file_uploader(key="weights_file").upload(name, data).run()


def made_picture(seed: int = 0, size: tuple[int, int] = (40, 30), mode: str = "RGB") -> Image.Image:
    """Noise: every seed is another picture."""
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(noise).convert(mode)


def made_png(seed: int = 0, size: tuple[int, int] = (40, 30), mode: str = "RGB") -> bytes:
    return encode(made_picture(seed, size, mode), "PNG")
