"""Sentences around links for pupils, each looked up when it is shown."""

from __future__ import annotations

from mixer_viz.language import tr
from mixer_viz.texts.from_files import MOST_IN_SENTENCE, literal


def top_line(task: str, some_is_locked: bool, some_is_hidden: bool) -> str:
    """What stands above a page that was opened by a teacher's link; the task is a stranger's text."""
    if task:
        lines = [literal(line, MOST_IN_SENTENCE) for line in task[:MOST_IN_SENTENCE].splitlines() if line.strip()]
        return tr("**A teacher's link:** {task}", task="  \n".join(lines))
    if some_is_locked and some_is_hidden:
        return tr("**A teacher's link:** some parts are not shown, and some choices cannot be changed.")
    if some_is_locked:
        return tr("**A teacher's link:** some choices cannot be changed.")
    return tr("**A teacher's link:** some parts are not shown.")


def locked_hint() -> str:
    """Below a picture on which nothing can be selected."""
    return tr("What is marked here cannot be changed in this link; hover to read.")


def leave() -> str:
    """The button that leads out."""
    return tr("Open the whole app")


def intro() -> str:
    """Above the fields from which a link is made."""
    return tr("Bring the page into the state that pupils are to find. The link opens it so, on their phones too.")


def own_file() -> str:
    """Where what is seen rests on an upload."""
    return tr(
        "What you see rests on a file of your own, and a link cannot carry it: pupils will see a sample in its place. "
        "Choose a sample picture and a model of the list, or give them the file as well."
    )


def by_hand() -> str:
    """What these links are not."""
    return tr("Pupils can always open the whole app: the link leads, it does not guard.")


def everything() -> str:
    """Of what may be changed: all."""
    return tr("Everything")


def only_these() -> str:
    """Of what may be changed: some."""
    return tr("Only what I choose")


def clicked() -> dict[str, str]:
    """What is chosen by clicks and buttons alone: its name in links -> what it is called."""
    return {"swaps": tr("Which patches are swapped"), "off_more": tr("What is kept switched off")}


def hideable() -> dict[str, str]:
    """What every page has that can be hidden: its name in links -> what it is called."""
    return {
        "sidebar": tr("Model and picture (the sidebar)"),
        "pages": tr("The other pages"),
        "downloads": tr("Downloads and reports"),
    }
