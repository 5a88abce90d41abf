"""Downloads: the figure of a page for print, and its numbers."""

from __future__ import annotations

import csv
import io
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence

import matplotlib
import numpy as np
import streamlit as st
from matplotlib.figure import Figure

from mixer_viz.figures import fonts
from mixer_viz.language import current, speaking, tr

_MIME = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}


_DRAWING = threading.Lock()  # matplotlib's settings and Python's filters of warnings are the whole process's


def figure_bytes(figure: Figure, kind: str) -> bytes:
    """A matplotlib figure as PNG (300 dpi), SVG or PDF."""
    buffer = io.BytesIO()
    with _DRAWING, matplotlib.rc_context(fonts.settings(figure, kind)), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # a box stands there then
        figure.savefig(buffer, format=kind, dpi=300)
    return buffer.getvalue()


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Named arrays as one compressed `.npz`, readable with allow_pickle=False."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **dict(arrays))
    return buffer.getvalue()


def csv_bytes(header: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    """A table as UTF-8 CSV for spreadsheets: with a byte order mark, and without what they take for a formula."""
    text = io.StringIO()
    csv.writer(text).writerows([[_no_formula(cell) for cell in row] for row in [header, *rows]])
    return text.getvalue().encode("utf-8-sig")


def _no_formula(cell: object) -> object:
    """Text, of a file's class names say, that begins like a formula gets an apostrophe in front; numbers stay."""
    if not isinstance(cell, str) or not cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return cell
    try:
        float(cell.rstrip("%"))
    except ValueError:
        return f"'{cell}"
    return cell


def download_row(
    name: str,
    figure: Callable[[], Figure] | None,
    arrays: Callable[[], Mapping[str, np.ndarray]],
    table: Callable[[], bytes],
) -> None:
    """Buttons for PNG, SVG and PDF where there is a figure, NPZ and CSV; each is made only when it is clicked.

    Figure and table are in the language that the page has now.
    """
    with st.popover(tr("Download"), icon=":material/download:"):
        if figure is not None:
            for kind, mime in _MIME.items():
                make = said_as_now(_figure_maker(figure, kind))
                st.download_button(
                    tr("Figure as {kind}", kind=kind.upper()),
                    make,
                    f"{name}.{kind}",
                    mime,
                    on_click="ignore",
                    key=f"{name}-{kind}",
                )
        st.download_button(
            tr("Numbers as NPZ"),
            lambda: npz_bytes(arrays()),
            f"{name}.npz",
            "application/octet-stream",
            on_click="ignore",
            key=f"{name}-npz",
        )
        make = said_as_now(table)
        st.download_button(tr("Table as CSV"), make, f"{name}.csv", "text/csv", on_click="ignore", key=f"{name}-csv")


def said_as_now(make: Callable[[], bytes]) -> Callable[[], bytes]:
    """`make` in the language of the visit that is served now: what a click asks for is made in a thread of no visit."""
    language = current()

    def made() -> bytes:
        with speaking(language):
            return make()

    return made


def _figure_maker(figure: Callable[[], Figure], kind: str) -> Callable[[], bytes]:
    return lambda: figure_bytes(figure(), kind)
