"""Words of what takes long."""

from __future__ import annotations


def ask_for(what: str, seconds: float) -> str:
    """For a button that starts it; seconds in round figures."""
    shown = f"{seconds:.1g}" if seconds < 10 else f"{5 * round(seconds / 5):d}"
    return f"{what}: work it out, about {shown} s"
