"""Sentences of the page of lessons and of the panel beside the pages; those of the lessons are in their files."""

from __future__ import annotations

import re

PREVIOUS = "Previous"
NEXT = "Next"
BACK_TO_STEP = "Back to this step"
LEAVE = "Leave the lesson"
ALL_LESSONS = "All lessons"
START = "Start"
GO_ON = "Continue"
AGAIN = "From the beginning"
CHECK = "Check"
SHOW_ANSWER = "Show the answer"
SHOW_IT = "Show it on the page"
YOUR_NUMBER = "Your number"
YOUR_ANSWER = "Your answer"
FOR_TEACHERS = "For teachers"
ANSWERS_INSIDE = "One note for each lesson: what it is about, usual misunderstandings, all answers, and a hand-out."
YOUR_CODE = "Your code"
CODE_IN_PANEL = "It holds how far you are. Copy it, and paste it on the page “Lessons” another day."
CODE_FIELD = "Code from another time or another computer"
USE_CODE = "Take it over"
IN_WORDS = (
    "A lesson leads through the pages of this app in small steps. Its text stands beside the page, and the page works "
    "as always: try everything, and one click brings you back to the step."
)
CODE_IN_WORDS = (
    "Nothing is stored on the server: how far you are is known to this browser tab alone. This code holds it. Beside a "
    "lesson and on this page it is in the address too, so that a reload keeps it; “Copy link” leaves it out. Copy the "
    "code, and paste it here another day."
)
NOT_BEGUN = "Begin a lesson, and a code to copy appears here."
BAD_CODE = "This is no code of this app, or a letter of it is missing; copy the whole code and paste it again."
CODE_TAKEN = "Taken over: the lessons below show how far you were."
NO_ANSWER = "Give an answer first."
NO_NUMBER = "This is no number. Write it in digits, such as 12, −0.5 or 4.37e-2."
ROUNDED = "This is right but rounded too far: give one or two digits more."
OTHER_MODEL = "This task is about the model of the lesson, and another one is chosen. Go back to the step."
NO_LESSONS = "The lessons could not be read; the log of this app has the details."


def where(number: int, count: int, chapter: str) -> str:
    """Which chapter it is, in the panel."""
    return f"Chapter {number} of {count}: {chapter}"


def step_of(number: int, count: int) -> str:
    """Which step it is."""
    return f"Step {number} of {count}"


def seen_with(model: str, picture: str) -> str:
    """Which model and picture are chosen, as the sidebar is folded; both are Markdown."""
    return f"Model: {model} · Picture: {picture}"


def look_at(thing: str) -> str:
    """What is marked on the page; `thing` is Markdown."""
    return f"**Look at** {thing}."


def notice(text: str) -> str:
    """What to notice; `text` is Markdown."""
    return f"**Notice:** {text}"


def looking_around(title: str) -> str:
    """Beside another page than the step's own."""
    return f"You are looking around. The step “{title}” is on another page."


def minutes(count: int) -> str:
    """How long a lesson takes."""
    return f"{count} minutes"


def progress(opened: int, steps: int, solved: int, tasks: int) -> str:
    """How far somebody is."""
    return f"{opened} of {steps} steps, {solved} of {tasks} tasks solved"


def right(solution: str) -> str:
    """Above a task that is solved; `solution` is Markdown."""
    return f"**Right.** {solution}"


def task_solved(solved: int, tasks: int) -> str:
    """After a right answer."""
    return f"{solved} of {tasks} tasks solved"


def finished(title: str) -> str:
    """Beside the last step."""
    return f"This was the last step of “{title}”."


def answer_of(number: int, question: str, solution: str) -> str:
    """One answer in the note for teachers, a line of a list."""
    return f"{number}. {question} **{solution}**"


def misunderstanding(text: str) -> str:
    """A line of a list: what is wrong, in quotes, and what is right below it."""
    found = re.fullmatch(r"(“[^”]*”)\s*(.+)", text)
    return f"- *{found[1]}*  \n  {found[2]}" if found else f"- {text}"


ANSWERS = "**Answers**"
MISUNDERSTANDINGS = "**Usual misunderstandings**"
CHAPTERS = "Chapters"
