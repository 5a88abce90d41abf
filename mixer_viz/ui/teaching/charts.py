"""Charts as they lie in a file: their figure for plotly, which comes along once, and their numbers as a table."""

from __future__ import annotations

import base64
import functools
import gzip
import html
import json
from typing import Any

import numpy as np
import plotly.offline

from mixer_viz.figures.theme import LINES
from mixer_viz.language import tr
from mixer_viz.ui.teaching.embedded import embedded_json

_MOST_ROWS = 200  # of a table
_INK, _GRID = "#1a1d21", "#dfe3e8"
_AXIS = {"gridcolor": _GRID, "linecolor": _GRID, "zerolinecolor": "#b8bec6", "automargin": True}
# What the app's theme is to the browser: here for paper.
_TEMPLATE = {
    "layout": {
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": _INK},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "colorway": [colour for colour, _, _ in LINES],
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "hoverlabel": {"bgcolor": "#ffffff", "font": {"color": _INK}},
    }
}


def chart_html(spec: str, alt: str) -> str:
    """One chart; `spec` is plotly's JSON, as the browser gets it."""
    figure = json.loads(spec)
    figure["layout"]["template"] = _TEMPLATE
    height = int(figure["layout"].get("height") or 320)
    label = html.escape(alt, quote=True)
    return (
        f'<figure class="chart"><div class="plot" role="img" aria-label="{label}" style="height:{height}px"></div>'
        f'<script type="application/json">{embedded_json({key: figure[key] for key in ("data", "layout")})}</script>'
        f"{chart_table(figure)}</figure>"
    )


def chart_table(figure: dict[str, Any]) -> str:
    """The numbers of a chart: a column for each trace where all share their places, else a table for each."""
    titles = [str(figure["layout"].get(axis, {}).get("title", {}).get("text", "")) for axis in ("xaxis", "yaxis")]
    tables = []
    for number, trace in enumerate(figure["data"], start=1):
        xs, ys = numbers_of(trace.get("x")), numbers_of(trace.get("y"))
        labels = trace.get("hovertext") if isinstance(trace.get("hovertext"), list) else None
        if not xs or not ys or (trace.get("hoverinfo") == "skip" and not trace.get("name")):
            continue
        rows = [
            ([labels[place]] if labels and len(labels) == len(xs) else []) + [x, y]
            for place, (x, y) in enumerate(zip(xs, ys, strict=False))
        ][:_MOST_ROWS]
        head = ([""] if len(rows[0]) == 3 else []) + [titles[0] or "x", titles[1] or "y"]
        name = str(trace.get("name") or (tr("Series {number}", number=number) if len(figure["data"]) > 1 else ""))
        tables.append(_table(name, head, rows))
    return details(tables)


def details(tables: list[str]) -> str:
    """Tables of numbers, folded on the screen; nothing where there are none."""
    summary = html.escape(tr("Numbers"))
    return f'<details class="numbers"><summary>{summary}</summary>{"".join(tables)}</details>' if tables else ""


def _table(name: str, head: list[str], rows: list[list[Any]]) -> str:
    def cells(tag: str, values: list[Any]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(_told(value))}</{tag}>" for value in values) + "</tr>"

    caption = f"<caption>{html.escape(_told(name))}</caption>" if name else ""
    return f"<table>{caption}{cells('th', list(head))}{''.join(cells('td', row) for row in rows)}</table>"


def _told(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", "−")
    # Names of files come as text in which every sign of markup is written as a number.
    return html.unescape(str(value)).replace("<br>", " ")


def numbers_of(values: Any) -> list[Any]:
    """A list of a figure, which plotly may have packed."""
    if isinstance(values, dict) and "bdata" in values:
        return list(np.frombuffer(base64.b64decode(values["bdata"]), np.dtype(values["dtype"])).tolist())
    return list(values) if isinstance(values, list) else []


@functools.lru_cache(maxsize=1)
def packed_plotly() -> str:
    """plotly.js as the installed plotly has it, gzipped, in base64: 2 MB in place of 5."""
    return base64.b64encode(gzip.compress(plotly.offline.get_plotlyjs().encode(), 9, mtime=0)).decode()
