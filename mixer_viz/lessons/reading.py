"""Lesson files: `assets/lessons/NAME.LANGUAGE.yaml`, read without running anything, and refused with a sentence."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mixer_viz.lessons.entries import Entry, LessonError, PlainLoader, plain
from mixer_viz.lessons.lesson import (
    Chapter,
    Condition,
    Lesson,
    Mark,
    Number,
    Option,
    Parameters,
    Quantity,
    State,
    Step,
    Task,
    TeacherNote,
)
from mixer_viz.paths import app_folder

FOLDER = "lessons"  # in assets/
FIRST_LANGUAGE = "en"  # which every lesson has
MOST_BYTES = 200_000
MOST_STEPS, MOST_TASKS = 200, 16  # what a code of progress can hold
_FILE = re.compile(r"([a-z0-9_]{1,60})\.([a-z]{2})\.yaml")
_KINDS = ("choose", "number", "click", "reach")
_NOTHING: Mapping[str, Any] = {}


@functools.lru_cache(maxsize=8)
def lessons(language: str = FIRST_LANGUAGE) -> tuple[Lesson, ...]:
    """All lessons, each in this language where it has it and in English where not; raises LessonError."""
    names = sorted({found[1] for path in _folder().glob("*.yaml") if (found := _FILE.fullmatch(path.name))})
    read = sorted((_read(name, language) for name in names), key=lambda lesson: lesson.code)
    if len({lesson.code for lesson in read}) != len(read):
        raise LessonError("two lessons have one code; give the newer one another")
    return tuple(read)


def find_lesson(name: str, language: str = FIRST_LANGUAGE) -> Lesson | None:
    """The lesson of this name; None where there is none."""
    return next((lesson for lesson in lessons(language) if lesson.name == name), None)


def parse_lesson(text: str, name: str, language: str) -> Lesson:
    """A lesson from the text of its file; raises LessonError for what is not one."""
    if len(text.encode()) > MOST_BYTES:
        raise LessonError(f"{name}: a lesson file has at most {MOST_BYTES:,} bytes")
    try:
        data = yaml.load(text, PlainLoader)
    except (yaml.YAMLError, RecursionError) as exc:
        raise LessonError(f"{name}: this is no YAML: {exc}") from exc
    entry = Entry(data, name)
    lesson = Lesson(
        name=name,
        code=entry.whole("code", 1, 255),
        language=language,
        title=entry.text("title"),
        minutes=entry.whole("minutes", 1, 90),
        aim=entry.text("aim"),
        closing=entry.text("closing"),
        chapters=tuple(_chapter(each, entry.mapping("state")) for each in entry.entries("chapters")),
        teacher=_teacher(Entry(entry.mapping("teacher"), f"{name}, teacher")),
    )
    entry.nothing_else()
    _check_whole(lesson)
    return lesson


def _folder() -> Path:
    return app_folder() / "assets" / FOLDER


def lesson_file(name: str, language: str) -> Path:
    """Where a lesson stands in a language, or would."""
    return _folder() / f"{name}.{language}.yaml"


def _read(name: str, language: str) -> Lesson:
    for each in (language, FIRST_LANGUAGE):
        path = lesson_file(name, each)
        if path.is_file():
            return parse_lesson(path.read_text(encoding="utf-8"), name, each)
    raise LessonError(f"the lesson {name} is not there in English: {name}.{FIRST_LANGUAGE}.yaml is missing")


def _check_whole(lesson: Lesson) -> None:
    for what, names in (("steps", [step.name for step in lesson.steps]), ("tasks", [t.name for t in lesson.tasks])):
        if twice := {each for each in names if names.count(each) > 1}:
            raise LessonError(f"{lesson.name}: two {what} are called {sorted(twice)[0]!r}")
    if not 1 <= len(lesson.steps) <= MOST_STEPS or len(lesson.tasks) > MOST_TASKS:
        raise LessonError(f"{lesson.name}: 1 to {MOST_STEPS} steps and at most {MOST_TASKS} tasks")


def _chapter(entry: Entry, common: Mapping[str, Any]) -> Chapter:
    chapter = Chapter(entry.text("title"), tuple(_step(each, common) for each in entry.entries("steps")))
    entry.nothing_else()
    return chapter


def _step(entry: Entry, common: Mapping[str, Any]) -> Step:
    state = State(entry.text("page"), _parameters({**common, **entry.mapping("state", _NOTHING)}, entry.where))
    task = entry.mapping("task", _NOTHING)
    step = Step(
        name=entry.text("name"),
        title=entry.text("title"),
        text=entry.text("text"),
        notice=entry.text("notice", ""),
        state=state,
        marks=tuple(_mark(each, entry.where) for each in entry.text("mark").split()),
        thing=entry.text("thing"),
        paper=entry.text("paper", ""),
        numbers=_numbers(entry),
        task=_task(Entry(task, f"{entry.where}, task"), state) if task else None,
    )
    entry.nothing_else()
    return step


def _mark(text: str, where: str) -> Mark:
    """ "key", or "key:1,3" for the first and the third picture of a row."""
    found = re.fullmatch(r"([\w-]+)(?::([1-9]\d?(?:,[1-9]\d?)*))?", text)
    if found is None:
        raise LessonError(
            f"{where}: {text!r} is no key of the page, nor one with places of pictures, as in 'front:1,3'"
        )
    return Mark(found[1], tuple(int(each) for each in (found[2] or "").split(",") if each))


def _task(entry: Entry, state: State) -> Task:
    kind = entry.text("kind")
    options = tuple(_option(each, entry.where) for each in entry.items("options"))
    task = Task(
        name=entry.text("name"),
        kind=kind,  # type: ignore[arg-type]  # checked below
        question=entry.text("question"),
        hint=entry.text("hint"),
        solution=entry.text("solution"),
        found=entry.text("found"),
        options=options,
        right=entry.whole("right", 1, len(options)) - 1 if options else -1,
        quantity=_quantity(entry.any("quantity"), entry.where),
        value=entry.number("value"),
        tolerance=entry.number("tolerance") or 0.0,
        conditions=tuple(_condition(each) for each in entry.entries("conditions", [])),
        example=_example(entry, state),
        layer=None if entry.number("layer") is None else entry.whole("layer", 0, 128),
    )
    entry.nothing_else()
    needed = {
        "choose": len(options) > 1,
        "number": task.quantity is not None and task.value is not None,
        "click": bool(task.conditions) and task.example is not None,
        "reach": bool(task.conditions) and task.example is not None,
    }
    if not needed.get(kind, False):
        raise LessonError(f"{entry.where}: a task of kind {kind!r} (one of {', '.join(_KINDS)}) lacks what it needs")
    return task


def _option(value: object, where: str) -> Option:
    if isinstance(value, str):
        return Option(value)
    entry = Entry(value, f"{where}, options")
    option = Option(entry.text("text"), entry.text("hint", ""))
    entry.nothing_else()
    return option


def _condition(entry: Entry) -> Condition:
    condition = Condition(
        hint=entry.text("hint"),
        page=entry.text("page", ""),
        parameter=entry.text("parameter", ""),
        quantity=_quantity(entry.any("quantity"), entry.where),
        one_of=tuple(plain(each, entry.where) for each in entry.items("one_of")),
        none_of=tuple(plain(each, entry.where) for each in entry.items("none_of")),
        at_least=entry.number("at_least"),
        at_most=entry.number("at_most"),
    )
    entry.nothing_else()
    if sum((bool(condition.page), bool(condition.parameter), condition.quantity is not None)) != 1:
        raise LessonError(f"{entry.where}: a condition looks at one of page, parameter and quantity")
    return condition


def _example(entry: Entry, state: State) -> State | None:
    given = entry.mapping("example", _NOTHING)
    if not given:
        return None
    changes = {name: value for name, value in given.items() if name != "page"}
    page = plain(given.get("page", state.page), entry.where)
    return State(page, _parameters({**dict(state.parameters), **changes}, entry.where))


def _quantity(value: object, where: str) -> Quantity | None:
    if value is None:
        return None
    if isinstance(value, str):
        return Quantity(value)
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise LessonError(f"{where}: a quantity is a name, or a mapping with a name and parameters")
    return Quantity(
        value["name"],
        _parameters({key: each for key, each in value.items() if key not in ("name", "tolerance")}, where),
    )


def _numbers(entry: Entry) -> tuple[Number, ...]:
    found = []
    for shown, value in entry.mapping("numbers", _NOTHING).items():
        quantity = _quantity(value, entry.where)
        if quantity is None:
            raise LessonError(f"{entry.where}: the number {shown!r} has no quantity")
        tolerance = value.get("tolerance") if isinstance(value, dict) else None
        found.append(Number(plain(shown, entry.where), quantity, None if tolerance is None else float(tolerance)))
    return tuple(found)


def _teacher(entry: Entry) -> TeacherNote:
    note = TeacherNote(
        entry.text("text"),
        tuple(plain(each, entry.where) for each in entry.items("misunderstandings")),
        _numbers(entry),
    )
    entry.nothing_else()
    return note


def _parameters(values: Mapping[str, Any], where: str) -> Parameters:
    return tuple((plain(name, where), plain(value, where)) for name, value in values.items())
