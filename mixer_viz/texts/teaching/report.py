"""Sentences around reports and hand-outs, each looked up when it is shown."""

from __future__ import annotations

from mixer_viz.language import tr


def intro() -> str:
    """Above the button that makes one."""
    return tr(
        "What you see as one file: pictures, numbers and choices. It opens without a network, hovering still reads "
        "values, and it prints well."
    )


def for_a_hand_out() -> str:
    """Above the fields that make a hand-out of it."""
    return tr("For a hand-out, write tasks, one on each line; the answers come on a sheet of their own at the end.")


def as_it_was() -> str:
    """Beside the button that downloads it."""
    return tr("It shows the page as it was when you made it.")


def too_large() -> str:
    """Where the limit is passed."""
    return tr(
        "This page has too much for one file (more than 16 MB). Choose a smaller model or another view, and try again."
    )


def unfinished() -> str:
    """In the report, where a computation was under way."""
    return tr("Some of this page was still being worked out when the report was made.")


def download(megabytes: float) -> str:
    """The button's words."""
    return tr("Download the report ({megabytes:.1f} MB)", megabytes=megabytes)


def choice(label: str, value: str) -> str:
    """What a field of the page holds."""
    return tr("{label}: {value}", label=label, value=value)
