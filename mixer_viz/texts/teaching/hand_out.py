"""Sentences around the hand-out of a lesson, each looked up when it is shown."""

from __future__ import annotations


def make() -> str:
    """The button that makes it."""
    return "Make a hand-out of this lesson"


def making(lesson: str) -> str:
    """Beside the bar."""
    return f"The hand-out of “{lesson}”: its pages are drawn"


def download(megabytes: float) -> str:
    """The button that downloads it."""
    return f"Download the hand-out ({megabytes:.1f} MB)"


def too_slow() -> str:
    """Where a page was not there in time."""
    return "A page of this lesson takes too long just now; try again when fewer people use this app."


def too_large() -> str:
    """Where the limit is passed."""
    return "This lesson has too much for one file (more than 16 MB)."


def lesson() -> str:
    """What stands before the title at the top."""
    return "Lesson"


def time() -> str:
    """What stands before the minutes at the top."""
    return "Time"


def minutes(number: int) -> str:
    """How long it takes."""
    return f"{number} minutes"


def notice(text: str) -> str:
    """What to notice; `text` is Markdown."""
    return f"**Notice:** {text}"
