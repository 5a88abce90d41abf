"""Plotly charts as every page shows them."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st


def show_chart(figure: go.Figure, *, key: str, alt: str) -> None:
    """Draw a chart without plotly's own buttons; `alt` is its text alternative."""
    st.plotly_chart(figure, key=key, config={"displayModeBar": False}, alt=alt)
