"""Sentences of the page of lessons and of the panel beside the pages; those of the lessons are in their files."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mixer_viz.language import mark, tr

PREVIOUS = mark("Previous")
NEXT = mark("Next")
NEXT_LESSON = mark("Next lesson")  # at the last step
BACK_TO_STEP = mark("Back to this step")
LEAVE = mark("Leave the lesson")
ALL_LESSONS = mark("All lessons")
START = mark("Start")
GO_ON = mark("Continue")
AGAIN = mark("From the beginning")
CHECK = mark("Check")
SHOW_ANSWER = mark("Show the answer")
SHOW_IT = mark("Show it on the page")
TO_THE_QUESTION = mark("Back to the question")  # on a phone, over the page, while the text is out of sight
TO_THE_TEXT = mark("Back to the text")
YOUR_NUMBER = mark("Your number")
YOUR_ANSWER = mark("Your answer")
ANSWERS_INSIDE = mark(
    "One note for each lesson: what it is about, usual misunderstandings, all answers, and a hand-out."
)
YOUR_CODE = mark("Your code")
CODE_IN_PANEL = mark("It holds how far you are. Copy it, and paste it on the page “Lessons” another day.")
CODE_FIELD = mark("Code from another time or another computer")
USE_CODE = mark("Take it over")
IN_WORDS = mark(
    "A lesson leads through the pages of this app in small steps. Its text stands beside the page, and the page works "
    "as always: try everything, and one click brings you back to the step."
)
CODE_IN_WORDS = mark(
    "Nothing is stored on the server: how far you are is known to this browser tab alone. This code holds it. Beside a "
    "lesson and on this page it is in the address too, so that a reload keeps it; “Copy link” leaves it out. Copy the "
    "code, and paste it here another day."
)
NOT_BEGUN = mark("Begin a lesson, and a code to copy appears here.")
BAD_CODE = mark("This is no code of this app, or a letter of it is missing; copy the whole code and paste it again.")
CODE_TAKEN = mark("Taken over: the lessons below show how far you were.")
NO_ANSWER = mark("Give an answer first.")
NO_NUMBER = mark("This is no number. Write it in digits, such as 12, −0.5 or 4.37e-2.")
ROUNDED = mark("This is right but rounded too far: give one or two digits more.")
OTHER_MODEL = mark("This task is about the model of the lesson, and another one is chosen. Go back to the step.")
NO_LESSONS = mark("The lessons could not be read; the log of this app has the details.")
ANSWERS = mark("**Answers**")
MISUNDERSTANDINGS = mark("**Usual misunderstandings**")
CHAPTERS = mark("Chapters")
FOUND_OUT = mark("What you have found out")
STILL_OPEN = mark("Not solved yet:")


def where(number: int, count: int, chapter: str) -> str:
    """Which chapter it is, in the panel."""
    return tr("Chapter {number} of {count}: {chapter}", number=number, count=count, chapter=chapter)


def step_of(number: int, count: int) -> str:
    """Which step it is."""
    return tr("Step {number} of {count}", number=number, count=count)


def seen_with(model: str, picture: str) -> str:
    """Which model and picture are chosen, as the sidebar is folded; both are Markdown."""
    return tr("Model: {model} · Picture: {picture}", model=model, picture=picture)


def look_at(thing: str) -> str:
    """What is marked on the page; `thing` is Markdown."""
    return tr("**Look at** {thing}.", thing=thing)


def notice(text: str) -> str:
    """What to notice; `text` is Markdown."""
    return tr("**Notice:** {text}", text=text)


def looking_around(title: str) -> str:
    """Beside another page than the step's own."""
    return tr("You are looking around. The step “{title}” is on another page.", title=title)


def minutes(count: int) -> str:
    """How long a lesson takes."""
    return tr("{count} minutes", count=count)


def progress(opened: int, steps: int, solved: int, tasks: int) -> str:
    """How far somebody is."""
    return tr(
        "{opened} of {steps} steps, {solved} of {tasks} tasks solved",
        opened=opened,
        steps=steps,
        solved=solved,
        tasks=tasks,
    )


def right(solution: str) -> str:
    """Above a task that is solved; `solution` is Markdown."""
    return tr("**Right.** {solution}", solution=solution)


def task_solved(solved: int, tasks: int) -> str:
    """After a right answer."""
    return tr("{solved} of {tasks} tasks solved", solved=solved, tasks=tasks)


def finished(title: str) -> str:
    """Beside the last step."""
    return tr("This was the last step of “{title}”.", title=title)


def found_out(solutions: Sequence[str]) -> str:
    """All that was found out in a lesson, a line of a list each; `solutions` are Markdown."""
    return "\n".join(f"- {solution}" for solution in solutions)


def answer_of(number: int, question: str, solution: str) -> str:
    """One answer in the note for teachers, a line of a list."""
    return f"{number}. {question} **{solution}**"


def misunderstanding(text: str) -> str:
    """A line of a list: what is wrong, in quotes, and what is right below it."""
    found = re.fullmatch(r"(“[^”]*”)\s*(.+)", text)
    if found is None:
        return f"- {text}"
    return tr("- *{wrong}*  \n  {right}", wrong=found[1], right=found[2])  # Chinese letters do not lean
