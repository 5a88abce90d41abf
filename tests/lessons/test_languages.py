"""A lesson in another language is the same lesson: all but its words, and every word of it is there."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

import pytest

from mixer_viz.lessons import Lesson, Progress, find_lesson, lessons, read_code, write_code
from mixer_viz.lessons.lesson import Step, Task
from mixer_viz.paths import app_folder

FOLDER = app_folder() / "assets" / "lessons"
ENGLISH = lessons()
HAN = r"\u4e00-\u9fff"
MARKS = "，。：；？！、（）“”…"  # that stand without a space
TOO_CLOSE = re.compile(rf"[{HAN}][A-Za-z0-9]|[A-Za-z0-9%₀-₉][{HAN}]")
TOO_FAR = re.compile(rf"[{HAN}{MARKS}] [{HAN}{MARKS}]|[{MARKS}] | [{MARKS}]")
LATIN_MARK = re.compile(rf"[{HAN}{MARKS}][,;:?!()\"'.]|[,;:?!()\"'][{HAN}]")

TERMS = {
    **{"token": "词元", "token mixing": "词元混合", "channel mixing": "通道混合", "channel": "通道", "unit": "单元"},
    **{"block": "模块", "embedding": "嵌入", "skip connection": "跳跃连接", "weight": "权重", "kernel": "卷积核"},
    **{"attention": "注意力", "convolution": "卷积", "cosine": "余弦", "atlas": "图谱", "baseline": "基线"},
    **{"white noise": "白噪声", "opposing partner": "反向伙伴", "slider": "滑块", "token mixer": "词元混合器"},
}


def same_but_for_words(lesson: Lesson) -> list[object]:
    found: list[object] = [lesson.name, lesson.code, lesson.minutes, lesson.teacher.numbers]
    found += [[len(chapter.steps) for chapter in lesson.chapters], len(lesson.teacher.misunderstandings)]
    for step in lesson.steps:
        found += [step.name, step.state, step.marks, step.paper, step.numbers, bool(step.notice)]
        if (task := step.task) is not None:
            found += [task.name, task.kind, [bool(option.hint) for option in task.options], task.right]
            found += [task.quantity, task.value, task.tolerance, task.example, task.layer]
            found += [dataclasses.replace(condition, hint="") for condition in task.conditions]
    return found


def texts_of(lesson: Lesson) -> Iterator[str]:
    yield from (lesson.title, lesson.aim, lesson.closing, lesson.teacher.text, *lesson.teacher.misunderstandings)
    yield from (chapter.title for chapter in lesson.chapters)
    for step in lesson.steps:
        yield from words_of(step)


def words_of(step: Step) -> Iterator[str]:
    yield from (step.title, step.text, step.notice, step.thing)
    if step.task is not None:
        yield from words_of_task(step.task)


def words_of_task(task: Task) -> Iterator[str]:
    yield from (task.question, task.hint, task.solution, task.found)
    yield from (condition.hint for condition in task.conditions)
    yield from (text for option in task.options for text in (option.text, option.hint))


def test_every_lesson_is_there_in_chinese() -> None:
    names = {lesson.name for lesson in ENGLISH}
    assert {path.name for path in FOLDER.glob("*.zh.yaml")} == {f"{name}.zh.yaml" for name in names}


@pytest.mark.parametrize("english", ENGLISH, ids=lambda lesson: lesson.name)
def test_chinese_differs_in_words_alone(english: Lesson) -> None:
    chinese = find_lesson(english.name, "zh")
    assert chinese is not None
    assert chinese.language == "zh"
    assert same_but_for_words(chinese) == same_but_for_words(english)


@pytest.mark.parametrize("lesson", lessons("zh"), ids=lambda lesson: lesson.name)
def test_chinese_is_set_as_chinese_is(lesson: Lesson) -> None:
    """Spaces between Chinese and Latin letters or digits and nowhere else; Chinese marks beside Chinese."""
    texts = list(texts_of(lesson))
    for rule in (TOO_CLOSE, TOO_FAR, LATIN_MARK):
        assert [text for text in texts if rule.search(text)] == [], rule.pattern
    for text in filter(None, texts):  # none was left in English
        assert re.search(rf"[{HAN}]", text) or not re.search("[a-z]", text), text


@pytest.mark.parametrize("written", ["en", "zh"])
def test_a_code_means_the_same_in_both_languages(written: str) -> None:
    progresses = {
        lesson.name: Progress(place + 1, frozenset(task.name for task in lesson.tasks[::2]))
        for place, lesson in enumerate(ENGLISH)
    }
    code = write_code(progresses, lessons(written))
    assert code
    assert read_code(code, lessons("en")) == read_code(code, lessons("zh")) == progresses


@pytest.mark.parametrize("english", ENGLISH, ids=lambda lesson: lesson.name)
def test_terms_are_those_of_the_table(english: Lesson) -> None:
    """A step that speaks of tokens in English does so in Chinese, by the one word for it (docs/translating.md)."""
    chinese = find_lesson(english.name, "zh")
    assert chinese is not None
    for one, other in zip(english.steps, chinese.steps, strict=True):
        said, told = (" ".join(words_of(step)) for step in (one, other))
        missing = [
            term for term in TERMS if re.search(rf"\b{term}s?\b", said, re.IGNORECASE) and TERMS[term] not in told
        ]
        assert missing == [], one.name
