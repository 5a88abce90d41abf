"""The numbers in lessons, worked out anew: for a bundled model that was trained again.

    python -m mixer_viz.lessons.renewal           # says what is no longer true
    python -m mixer_viz.lessons.renewal --write   # and puts the new numbers into the texts, in every language

What a sentence says in words, and a task that the new model solves or breaks by itself, is for people to mend.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence

from mixer_viz.language.catalogues import LANGUAGES
from mixer_viz.lessons.checks import TRAINING_ACCURACY, Seen, check, needed_quantities
from mixer_viz.lessons.lesson import Lesson, Number, State, Step, Task
from mixer_viz.lessons.reading import lesson_file, lessons
from mixer_viz.lessons.written import (
    EXACTLY,
    NUMBER,
    half_of_the_last_digit,
    measured,
    shown_value,
    written_like,
)

# Lines of a step that say what is opened or looked for, and nothing of what is found there.
_NOT_TEXT = ("name", "page", "state", "mark", "paper", "kind", "example", "tolerance", "right", "layer", "quantity")
_KEY = re.compile(r"\s*(?:- )?\{?(\w+):")
_QUOTED = re.compile(r'"[^"]*"')


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 where something is left for people."""
    parser = argparse.ArgumentParser(
        prog="python -m mixer_viz.lessons.renewal", description="Work out the numbers in lessons anew."
    )
    parser.add_argument("--write", action="store_true", help="put the new numbers into the files")
    options = parser.parse_args(arguments)
    left = 0
    for lesson in lessons():
        renewed = {step.name: new for step in lesson.steps if (new := new_numbers(step))}
        for name, new in renewed.items():
            told = ", ".join(f"{old} is {now}" for old, now in new.items())
            sys.stdout.write(f"{lesson.name}, {name}: {told}\n")
        for fault in for_people(lesson):
            left += 1
            sys.stdout.write(f"{lesson.name}, {fault}\n")
        if options.write and renewed:
            for language in LANGUAGES:
                file = lesson_file(lesson.name, language)
                file.write_text(rewritten(file.read_text(encoding="utf-8"), renewed), encoding="utf-8")
    return 1 if left else 0


def new_numbers(step: Step) -> dict[str, str]:
    """The numbers in a step's texts that are no longer what they are said to be: as written -> as to be written."""
    found = {}
    for number in step.numbers:
        if number.quantity.name != EXACTLY and not is_true(number, step.state):
            found[number.shown] = written_like(float(measured(step.state, number.quantity)), number.shown)
    task = step.task
    if task is not None and task.quantity is not None and task.value is not None and task.quantity.name != EXACTLY:
        value, shown = float(measured(step.state, task.quantity)), f"{task.value:g}".replace("-", "−")
        if abs(value - task.value) > task.tolerance + 1e-9:
            found[shown] = written_like(value, shown)
    return found


def is_true(number: Number, state: State) -> bool:
    """Whether a number in a text is what it is said to be, in the state of its step."""
    tolerance = half_of_the_last_digit(number.shown) if number.tolerance is None else number.tolerance
    return abs(float(measured(state, number.quantity)) - shown_value(number.shown)) <= 1.001 * tolerance


def for_people(lesson: Lesson) -> Iterator[str]:
    """What is told apart from the numbers of the steps: tasks that have become too easy or cannot be solved so."""
    for number in lesson.teacher.numbers:
        if number.quantity.name != EXACTLY and not is_true(number, lesson.steps[0].state):
            yield f"for teachers: {number.shown} is no longer {number.quantity.name}"
    for step in lesson.steps:
        if changed := [f"{old} to {now}" for old, now in new_numbers(step).items() if ("−" in old) != ("−" in now)]:
            yield f"{step.name}: another sign, so look at the sentence: {', '.join(changed)}"
        task = step.task
        if task is None or task.example is None:
            continue
        if not check(task, seen(task, task.example)).right:
            yield f"{step.name}: the example of the task {task.name!r} no longer solves it"
        if check(task, seen(task, step.state, accuracy=0.0)).right:
            yield f"{step.name}: the task {task.name!r} is solved before anybody has done anything"


def seen(task: Task, state: State, accuracy: float = 95.0) -> Seen:
    """What a check of this task sees in a state; `accuracy` stands for a visitor's own training."""
    values = {
        quantity: accuracy if quantity.name == TRAINING_ACCURACY else measured(state, quantity)
        for quantity in needed_quantities(task)
    }
    return Seen(state.page, state.parameters, "", tuple(values.items()))


def rewritten(text: str, renewed: dict[str, dict[str, str]]) -> str:
    """The text of a lesson's file with other numbers; `renewed` says them by the names of the steps."""
    step, lines = "", []
    for line in text.splitlines(keepends=True):
        if found := re.match(r" {6}- name: (\w+)", line):
            step = found[1]
        lines.append(_rewritten_line(line, renewed.get(step, {})))
    return "".join(lines)


def _rewritten_line(line: str, new: dict[str, str]) -> str:
    key = _KEY.match(line)
    if not new or (key is not None and key[1] in _NOT_TEXT):
        return line
    if "{" in line:  # values without quotes are parameters
        return _QUOTED.sub(lambda found: _with_numbers(found[0], new), line)
    if key is not None and key[1] == "value":
        return _with_numbers(line.replace("-", "−"), new).replace("−", "-")
    return _with_numbers(line, new)


def _with_numbers(text: str, new: dict[str, str]) -> str:
    def replaced(found: re.Match[str]) -> str:
        shown = found[0]
        if shown in new:
            return new[shown]
        below_zero = "−" + shown  # "4.040 − 0.148"
        return new[below_zero].removeprefix("−") if below_zero in new else shown

    return NUMBER.sub(replaced, text)


if __name__ == "__main__":
    sys.exit(main())
