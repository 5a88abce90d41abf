"""The unit atlas of a B/16 block in a real Chromium, beside the same maps as plotly subplots."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from app_browser import Traffic, chromium, serving, when_painted
from timing import ratios, summary

from mixer_viz.analysis.token_mixing.weights import MixingWeights, unit_order, units_of
from mixer_viz.model.config import PRESETS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAME = "atlas_speed"
ROUNDS = 5
SECONDS_AT_MOST = 1.0
KB_AT_MOST = 400  # 1 kB = 1000 bytes

# Each page draws after a click, so that the server's start and Streamlit's own files are not in the clock.
WEIGHTS = """
import numpy as np
import streamlit as st

from mixer_viz.model.config import PRESETS

config = PRESETS["B/16"]
side, units = config.grid_size, config.tokens_mlp_dim
maps = np.random.default_rng(0).normal(size=(units, side, side)).astype(np.float32)
"""
ATLAS = f"""{WEIGHTS}
from mixer_viz.figures.token_mixing import AtlasPart, atlas_grid
from mixer_viz.ui.grid_panel import show_grids

if st.button("Draw"):
    captions = [f"unit {{unit}}: frequency 0.123, radius 1.23, length 0.123 and 0.123, partner 123 (cosine -0.99)"
                for unit in range(units)]
    part = AtlasPart("Atlas", "W₁", maps, np.arange(units), captions, None)
    show_grids([atlas_grid(part)], key="atlas", marks="unit")
"""
SUBPLOTS = f"""{WEIGHTS}
import plotly.graph_objects as go
from plotly.subplots import make_subplots

if st.button("Draw"):
    columns = 24
    figure = make_subplots(-(-units // columns), columns, horizontal_spacing=0.004, vertical_spacing=0.004)
    for unit, values in enumerate(maps):
        heatmap = go.Heatmap(z=values, colorscale="RdBu_r", showscale=False)
        figure.add_trace(heatmap, row=unit // columns + 1, col=unit % columns + 1)
    figure.update_xaxes(visible=False).update_yaxes(visible=False)
    figure.update_layout(height=650, margin=dict(l=0, r=0, t=0, b=0))
    st.plotly_chart(figure)
"""
# The last subplot's picture is there when all are.
SUBPLOTS_DRAWN = "() => document.querySelectorAll('.js-plotly-plot .heatmaplayer image').length >= 384"


def measure() -> dict[str, Any]:
    """Seconds and kilobytes; raises RuntimeError where playwright or Chromium is missing."""
    analysis = analysis_seconds()
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        pages = {"atlas": ATLAS, "subplots": SUBPLOTS}
        for name, text in pages.items():
            Path(folder, f"{name}.py").write_text(text, encoding="utf-8")
        with serving(Path(folder, "atlas.py")) as atlas, serving(Path(folder, "subplots.py")) as subplots:
            urls = {"atlas": atlas, "subplots": subplots}
            drawn: dict[str, list[tuple[float, float]]] = {name: [] for name in urls}
            for index in range(-1, ROUNDS):  # the first round loads plotly's own files and warms the server up
                for name, url in urls.items():
                    result = draw(browser, url, name)
                    if index >= 0:
                        drawn[name].append(result)
    seconds = {name: [each[0] for each in results] for name, results in drawn.items()}
    whole = [a + b for a, b in zip(analysis, seconds["atlas"], strict=True)]
    return {
        "analysis of 384 units": summary([1e3 * value for value in analysis], "ms"),
        "click to painted atlas": summary([1e3 * value for value in seconds["atlas"]], "ms"),
        "analysis and painting together": summary(whole, "s", SECONDS_AT_MOST),
        "bytes of the atlas": summary([kb for _, kb in drawn["atlas"]], "kB", KB_AT_MOST),
        "click to 384 painted subplots": summary(seconds["subplots"], "s"),
        "bytes of the subplots": summary([kb for _, kb in drawn["subplots"]], "kB"),
        "atlas / subplots, time": summary(ratios(seconds["atlas"], seconds["subplots"]), "x"),
    }


def analysis_seconds() -> list[float]:
    """Measures, pairs and order of one block of B/16 size."""
    config = PRESETS["B/16"]
    tokens, units = config.num_patches, config.tokens_mlp_dim
    rng = np.random.default_rng(0)
    draw_ = [rng.normal(size=shape).astype(np.float32) for shape in ((units, tokens), units, (tokens, units), tokens)]
    weights = MixingWeights(*draw_, grid=(config.grid_size, config.grid_size))
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        unit_order(units_of(weights), "pairs")
        seconds.append(time.perf_counter() - start)
    return seconds


def draw(browser: Browser, url: str, name: str) -> tuple[float, float]:
    """Seconds from a click on Draw to the painted picture, and kilobytes that came for it."""
    page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    traffic = Traffic(page)
    page.goto(url)
    button = page.get_by_role("button", name="Draw")
    button.wait_for()
    page.wait_for_load_state("networkidle")
    before, start = traffic.own, time.perf_counter()
    button.click()
    if name == "atlas":
        when_painted(page.locator("canvas").first)
    else:
        page.wait_for_function(SUBPLOTS_DRAWN, timeout=120_000)
    seconds = time.perf_counter() - start
    traffic.wait(0.3)
    kilobytes = (traffic.own - before) / 1e3
    page.context.close()
    return seconds, kilobytes
