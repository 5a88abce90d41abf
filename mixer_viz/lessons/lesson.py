"""What a lesson is: chapters of a few steps, each a state of the app with a few sentences, and tasks with answers.

Everything here is plain and frozen: the panel beside the pages, the list of lessons, hand-outs and tests read the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Literal

TaskKind = Literal["choose", "number", "click", "reach"]
Parameters = tuple[tuple[str, str], ...]  # name in the link and value, in the order of the file


@dataclasses.dataclass(frozen=True)
class State:
    """What is seen: a page, and what its link says besides."""

    page: str  # its file in pages/, without the ending
    parameters: Parameters = ()

    def get(self, name: str, default: str = "") -> str:
        """The value of one parameter."""
        return dict(self.parameters).get(name, default)


@dataclasses.dataclass(frozen=True)
class Quantity:
    """A number or a name that can be worked out from a state: one of `quantities.QUANTITIES`, with more parameters."""

    name: str
    parameters: Parameters = ()  # on top of those of the state


@dataclasses.dataclass(frozen=True)
class Number:
    """A number that a text says, as it is written there, and what it has to be equal to."""

    shown: str
    quantity: Quantity
    tolerance: float | None = None  # None: half of the last digit that is written


@dataclasses.dataclass(frozen=True)
class Condition:
    """One thing that has to be so; exactly one of page, parameter and quantity says what is looked at."""

    hint: str  # what to say where it is not so
    page: str = ""
    parameter: str = ""
    quantity: Quantity | None = None
    one_of: tuple[str, ...] = ()  # values that are right, as text
    none_of: tuple[str, ...] = ()  # values that are not
    at_least: float | None = None
    at_most: float | None = None


@dataclasses.dataclass(frozen=True)
class Option:
    """One answer to choose, and what to say to those who choose it although it is wrong."""

    text: str
    hint: str = ""


@dataclasses.dataclass(frozen=True)
class Task:
    """A question with an answer that is checked.

    "choose": one of `options`; "number": typed, right within `tolerance`; "click" and "reach": what is seen on the page
    has to fulfil all `conditions`, and `example` is a state that does.
    """

    name: str  # unique in its lesson
    kind: TaskKind
    question: str
    hint: str
    solution: str  # said when the answer is right, and in the note for teachers
    found: str  # what has been found out, for the lesson's end, understood without the question
    options: tuple[Option, ...] = ()
    right: int = -1  # place of the right option, from 0
    quantity: Quantity | None = None  # what the typed number has to be
    value: float | None = None  # the same, as the file says it; a test holds it against the quantity
    tolerance: float = 0.0
    conditions: tuple[Condition, ...] = ()
    example: State | None = None
    layer: int | None = None  # of which a picture is shown with the question


@dataclasses.dataclass(frozen=True)
class Mark:
    """An element on the page that is meant."""

    key: str  # letters, digits, - and _, as `reading` sees to
    pictures: tuple[int, ...] = ()  # where it is a row of pictures and only some are meant: their places, from 1


@dataclasses.dataclass(frozen=True)
class Step:
    """One thing to look at."""

    name: str  # unique in its lesson
    title: str
    text: str  # one or two sentences
    notice: str  # what to look for
    state: State
    marks: tuple[Mark, ...]
    thing: str  # the same elements, as people call them
    paper: str = ""  # keys of what a hand-out shows besides, with spaces between
    numbers: tuple[Number, ...] = ()
    task: Task | None = None


@dataclasses.dataclass(frozen=True)
class Chapter:
    """A few steps under one title."""

    title: str
    steps: tuple[Step, ...]


@dataclasses.dataclass(frozen=True)
class TeacherNote:
    """What only teachers need; the answers are the tasks' solutions."""

    text: str
    misunderstandings: tuple[str, ...]
    numbers: tuple[Number, ...] = ()


@dataclasses.dataclass(frozen=True)
class Lesson:
    """One lesson in one language."""

    name: str  # of its files, and in links
    code: int  # 1 to 255, its number in codes of progress; never given to another one
    language: str
    title: str
    minutes: int
    aim: str
    closing: str  # what is worth keeping, in a sentence or two
    chapters: tuple[Chapter, ...]
    teacher: TeacherNote

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of all chapters, in order."""
        return tuple(step for chapter in self.chapters for step in chapter.steps)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks, in order."""
        return tuple(step.task for step in self.steps if step.task is not None)

    def chapter_of(self, place: int) -> tuple[int, Chapter]:
        """Number, from 0, and chapter of the step at `place`; IndexError where there is none."""
        for number, chapter in enumerate(self.chapters):
            if place < len(chapter.steps):
                return number, chapter
            place -= len(chapter.steps)
        raise IndexError(place)

    def answers(self) -> Iterator[tuple[int, Step, Task]]:
        """Place of the step from 0, step and task, of all tasks."""
        return ((place, step, step.task) for place, step in enumerate(self.steps) if step.task is not None)
