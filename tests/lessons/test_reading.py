"""A lesson file is read as it is meant, or refused with the place of the mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mixer_viz.lessons import LessonError, Mark, reading
from mixer_viz.lessons.reading import MOST_BYTES, MOST_TASKS, parse_lesson
from tests.lessons.made_lessons import SMALL, changed

STEP = ("chapters", 0, "steps", 0)
TASK = (*STEP, "task")


def test_a_small_lesson() -> None:
    lesson = parse_lesson(changed("title", to="A title"), "small", "en")
    (step,) = lesson.steps
    assert (lesson.name, lesson.code, lesson.language, lesson.title) == ("small", 9, "en", "A title")
    assert dict(step.state.parameters) == {"model": "mixer_cifar10", "image": "cat", "token": "3"}
    assert step.task is not None
    assert step.task.example is not None
    assert step.task.example.get("token") == "5"
    assert lesson.chapter_of(0) == (0, lesson.chapters[0])
    with pytest.raises(IndexError):
        lesson.chapter_of(1)


@pytest.mark.parametrize(
    ("path", "to", "words"),
    [
        (("title",), None, "title has to be a text"),
        (("title",), 5, "title has to be a text"),
        (("code",), 0, "code has to be a whole number from 1 to 255"),
        (("code",), True, "code has to be a whole number"),
        (("minutes",), "ten", "minutes has to be a whole number"),
        (("chapters",), [], "chapters has to be a list with at least one entry"),
        (("chapters",), "x", "chapters has to be a list"),
        (("more",), 1, "nothing is called 'more' here"),
        ((*STEP, "page"), None, "chapters 1, steps 1: page has to be a text"),
        ((*STEP, "colour"), "red", "chapters 1, steps 1: nothing is called 'colour' here"),
        ((*STEP, "state"), ["a"], "here has to be a mapping"),
        ((*STEP, "state"), {"token": [1]}, "has to be text or a number"),
        ((*STEP, "mark"), "front panel[1]", "chapters 1, steps 1: 'panel[1]' is no key of the page"),
        ((*STEP, "mark"), "front:1,0", "'front:1,0' is no key of the page, nor one with places of pictures"),
        ((*STEP, "numbers"), {"5": None}, "the number '5' has no quantity"),
        ((*STEP, "numbers"), {"5": {"of": "token"}}, "a quantity is a name"),
        ((*TASK, "kind"), "guess", "a task of kind 'guess'"),
        ((*TASK, "kind"), "choose", "lacks what it needs"),
        ((*TASK, "example"), None, "lacks what it needs"),
        ((*TASK, "right"), 2, "nothing is called 'right' here"),
        ((*TASK, "conditions", 0, "hint"), None, "conditions 1: hint has to be a text"),
        ((*TASK, "conditions", 0, "page"), "patches", "looks at one of page, parameter and quantity"),
        ((*TASK, "conditions", 0, "at_least"), "much", "at_least has to be a number"),
    ],
)
def test_a_mistake_is_named_with_its_place(path: tuple[str | int, ...], to: Any, words: str) -> None:
    with pytest.raises(LessonError, match=r"^small") as caught:
        parse_lesson(changed(*path, to=to), "small", "en")
    assert words in str(caught.value)


def test_a_mark_is_a_key_or_some_pictures_of_a_row() -> None:
    (step,) = parse_lesson(changed(*STEP, "mark", to="front:1,12 slider_2 map-0:3"), "small", "en").steps
    assert step.marks == (Mark("front", (1, 12)), Mark("slider_2"), Mark("map-0", (3,)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- 1",
        "{",
        "a: &a [*a]",
        "a: !!python/object/apply:os.system [true]",
        "code: 1\ntitle: &t x\naim: *t",
        "\x00",
        "[" * 5000,
        "a: " + "x" * MOST_BYTES,
        "1: 2",
    ],
    ids=["empty", "list", "cut", "self", "object", "alias", "zero", "deep", "long", "number"],
)
def test_what_is_no_lesson_is_refused(text: str) -> None:
    with pytest.raises(LessonError):
        parse_lesson(text, "small", "en")


def test_names_are_unique_and_tasks_bounded() -> None:
    step = SMALL["chapters"][0]["steps"][0]
    with pytest.raises(LessonError, match="two steps are called 'look'"):
        parse_lesson(changed("chapters", 0, "steps", to=[step, step]), "small", "en")
    many = [
        {**step, "name": f"s{place}", "task": {**step["task"], "name": f"t{place}"}} for place in range(MOST_TASKS + 1)
    ]
    with pytest.raises(LessonError, match="at most 16 tasks"):
        parse_lesson(changed("chapters", 0, "steps", to=many), "small", "en")


def test_words_of_links_are_no_switches() -> None:
    text = changed(*STEP, "state", to={"view": "off"}).replace("'off'", "off")
    assert parse_lesson(text, "small", "en").steps[0].state.get("view") == "off"
    text = changed(*STEP, "state", to={"average": True})
    assert parse_lesson(text, "small", "en").steps[0].state.get("average") == "true"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(reading, "_folder", lambda: tmp_path)
    reading.lessons.cache_clear()
    yield tmp_path
    reading.lessons.cache_clear()


def test_a_language_that_a_lesson_lacks_is_english(folder: Path) -> None:
    (folder / "first.en.yaml").write_text(changed("code", to=2), encoding="utf-8")
    (folder / "second.en.yaml").write_text(changed("code", to=1), encoding="utf-8")
    (folder / "first.zh.yaml").write_text(changed("code", to=2).replace("A title", "标题"), encoding="utf-8")
    (folder / "notes.txt").write_text("no lesson", encoding="utf-8")
    assert [lesson.name for lesson in reading.lessons()] == ["second", "first"]
    assert [(lesson.title, lesson.language) for lesson in reading.lessons("zh")] == [("A title", "en"), ("标题", "zh")]
    assert reading.find_lesson("first", "zh").title == "标题"
    assert reading.find_lesson("../first") is None


def test_two_lessons_never_share_a_code(folder: Path) -> None:
    for name in ("first", "second"):
        (folder / f"{name}.en.yaml").write_text(changed("code", to=2), encoding="utf-8")
    with pytest.raises(LessonError, match="one code"):
        reading.lessons()


def test_a_lesson_without_english_is_refused(folder: Path) -> None:
    (folder / "first.zh.yaml").write_text(changed("code", to=2), encoding="utf-8")
    with pytest.raises(LessonError, match=r"first\.en\.yaml is missing"):
        reading.lessons()
