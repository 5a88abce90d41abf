"""Sentences around the hand-out of a lesson, each looked up when it is shown."""

from __future__ import annotations

from mixer_viz.language import tr


def make() -> str:
    """The button that makes it."""
    return tr("Make a hand-out of this lesson")


def making(lesson: str) -> str:
    """Beside the bar."""
    return tr("The hand-out of “{lesson}”: its pages are drawn", lesson=lesson)


def download(megabytes: float) -> str:
    """The button that downloads it."""
    return tr("Download the hand-out ({megabytes:.1f} MB)", megabytes=megabytes)


def too_slow() -> str:
    """Where a page was not there in time."""
    return tr("A page of this lesson takes too long just now; try again when fewer people use this app.")


def too_large() -> str:
    """Where the limit is passed."""
    return tr("This lesson has too much for one file (more than 16 MB).")


def lesson() -> str:
    """What stands before the title at the top."""
    return tr("Lesson")


def time() -> str:
    """What stands before the minutes at the top."""
    return tr("Time")


def minutes(number: int) -> str:
    """How long it takes."""
    return tr("{count} minutes", count=number)


def notice(text: str) -> str:
    """What to notice; `text` is Markdown."""
    return tr("**Notice:** {text}", text=text)
