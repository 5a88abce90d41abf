"""Whether a task is solved: a pure function of what is seen and answered, with a hint where it is not."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from mixer_viz.lessons.lesson import Condition, Parameters, Quantity, Task

Value = float | str
TRAINING_ACCURACY = "training_accuracy"  # of the visitor's own training, in percent: no state of a link has it
MOST_LETTERS = 40  # of a number that is typed
Problem = Literal["", "no_number", "rounded"]  # of a typed answer, whatever the task
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  # as Chinese keyboards may type
_NUMBER = re.compile(r"[+-]?(\d{1,12}([.,]\d{0,12})?|[.,]\d{1,12})([eE][+-]?\d{1,2})?\s*%?", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a check may look at."""

    page: str  # as `State.page`
    parameters: Parameters = ()  # what the fields of the page hold, under their names in links
    answer: str = ""  # what was typed, or the place of the option that was chosen, from 0
    results: tuple[
        tuple[Quantity, Value], ...
    ] = ()  # of the state that is seen; those that it does not have are not here


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether it is right, and what to say: the solution, or a hint."""

    right: bool
    words: str
    problem: Problem = ""  # which explains a wrong answer better than the hint


def check(task: Task, seen: Seen) -> Verdict:
    """Judge an answer; the same for the same, and nothing else is looked at."""
    if task.kind == "choose":
        hint = _wrong_choice(task, seen.answer)
    elif task.kind == "number":
        return _judged_number(task, seen.answer)
    else:
        failed = [condition for condition in task.conditions if not holds(condition, seen)]
        hint = (failed[0].hint or task.hint) if failed else ""
    return Verdict(not hint, hint or task.solution)


def needed_quantities(task: Task) -> tuple[Quantity, ...]:
    """What has to be worked out of the state before a task of this kind can be judged."""
    return tuple(each.quantity for each in task.conditions if each.quantity is not None)


def holds(condition: Condition, seen: Seen) -> bool:
    """Whether one thing is so; what is not known is not."""
    value = _looked_at(condition, seen)
    if value is None:
        return False
    text = str(value)
    if (condition.one_of and text not in condition.one_of) or text in condition.none_of:
        return False
    if condition.at_least is None and condition.at_most is None:
        return True
    number = value if isinstance(value, float | int) else read_number(text)
    if number is None or not math.isfinite(number):
        return False
    low = -math.inf if condition.at_least is None else condition.at_least
    high = math.inf if condition.at_most is None else condition.at_most
    return low <= number <= high


def read_number(text: str) -> float | None:
    """A number as people write it: a comma is a point, a percent sign means nothing; None for anything else."""
    written = _as_written(text)
    return None if written is None else float(written)


def _as_written(text: str) -> Decimal | None:
    """With as many digits as were typed; None for what is no number."""
    typed = text.strip().replace("\u2212", "-").translate(_FULL_WIDTH)
    if len(typed) > MOST_LETTERS or not _NUMBER.fullmatch(typed):
        return None
    return Decimal(typed.rstrip("% \t").replace(",", "."))


def _looked_at(condition: Condition, seen: Seen) -> Value | None:
    if condition.page:
        return seen.page if seen.page == condition.page else None
    if condition.parameter:
        return dict(seen.parameters).get(condition.parameter)
    results: Mapping[Quantity, Value] = dict(seen.results)
    return None if condition.quantity is None else results.get(condition.quantity)


def _wrong_choice(task: Task, answer: str) -> str:
    """The hint; empty where the answer is right."""
    if answer == str(task.right):
        return ""
    if answer.isascii() and answer.isdecimal() and len(answer) < 4 and int(answer) < len(task.options):
        return task.options[int(answer)].hint or task.hint
    return task.hint


def _judged_number(task: Task, answer: str) -> Verdict:
    written = _as_written(answer)
    if written is None or task.value is None:
        return Verdict(False, task.hint, "no_number")
    distance = abs(float(written) - task.value)
    if distance <= task.tolerance + 1e-9:
        return Verdict(True, task.solution)
    exponent = written.as_tuple().exponent
    last_digit = 10.0**exponent if isinstance(exponent, int) else 0.0
    # Right but for its last digits; 0 says nothing, whatever it was rounded from.
    is_rounded = written != 0 and distance <= 0.5 * last_digit + 1e-9
    return Verdict(False, task.hint, "rounded" if is_rounded else "")
