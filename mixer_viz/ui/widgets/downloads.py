"""Downloads: the figure of a page for print, and its numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import streamlit as st
from matplotlib.figure import Figure

_MIME = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}


def figure_bytes(figure: Figure, kind: str) -> bytes:
    """A matplotlib figure as PNG (300 dpi), SVG or PDF."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=300)
    return buffer.getvalue()


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Named arrays as one compressed `.npz`, readable with allow_pickle=False."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **dict(arrays))
    return buffer.getvalue()


def csv_bytes(header: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    """A table as UTF-8 CSV."""
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode("utf-8")


def download_row(
    name: str,
    figure: Callable[[], Figure] | None,
    arrays: Callable[[], Mapping[str, np.ndarray]],
    table: Callable[[], bytes],
) -> None:
    """Buttons for PNG, SVG and PDF where there is a figure, NPZ and CSV; each is made only when it is clicked."""
    with st.popover("Download", icon=":material/download:"):
        if figure is not None:
            for kind, mime in _MIME.items():
                make = _figure_maker(figure, kind)
                st.download_button(
                    f"Figure as {kind.upper()}", make, f"{name}.{kind}", mime, on_click="ignore", key=f"{name}-{kind}"
                )
        st.download_button(
            "Numbers as NPZ",
            lambda: npz_bytes(arrays()),
            f"{name}.npz",
            "application/octet-stream",
            on_click="ignore",
            key=f"{name}-npz",
        )
        st.download_button("Table as CSV", table, f"{name}.csv", "text/csv", on_click="ignore", key=f"{name}-csv")


def _figure_maker(figure: Callable[[], Figure], kind: str) -> Callable[[], bytes]:
    return lambda: figure_bytes(figure(), kind)
