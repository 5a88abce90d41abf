"""Every lesson that comes with the app: complete, and true in each language."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from mixer_viz.analysis.attribution.deletion import random_orders
from mixer_viz.analysis.attribution.masking import logits_without_many
from mixer_viz.images.samples import available_samples
from mixer_viz.lessons import Lesson, Seen, State, Step, Task, check, find_lesson, lessons
from mixer_viz.lessons.checks import TRAINING_ACCURACY, needed_quantities, read_number
from mixer_viz.lessons.lesson import Quantity
from mixer_viz.lessons.quantities import QUANTITIES
from mixer_viz.lessons.renewal import is_true, seen
from mixer_viz.lessons.written import EXACTLY, looked_at, measured, numbers_in

ALL = lessons()
LANGUAGES = ("en", "zh")
BIRD = 2  # of CIFAR-10's classes
CONTROLS = 5  # random orders, as the page has them
STEPS = [pytest.param(lesson, step, id=f"{lesson.code}-{step.name}") for lesson in ALL for step in lesson.steps]
TASKS = [
    pytest.param(lesson, step, id=f"{lesson.code}-{task.name}") for lesson in ALL for _, step, task in lesson.answers()
]


def in_all_languages(lesson: Lesson, step: Step) -> Iterator[Step]:
    for language in LANGUAGES:
        other = find_lesson(lesson.name, language)
        assert other is not None
        assert other.language == language
        yield next(each for each in other.steps if each.name == step.name)


def texts_of(step: Step) -> Iterator[str]:
    yield from (step.title, step.text, step.notice, step.thing)
    if step.task is not None:
        yield from (step.task.question, step.task.hint, step.task.solution, step.task.found)
        yield from (condition.hint for condition in step.task.conditions)
        yield from (step.task.options[step.task.right].text,) if step.task.options else ()


def known_numbers(step: Step) -> set[str]:
    """Those that the file says what they are, and those of the state that is seen."""
    known = {number.shown for number in step.numbers} | {value for _, value in step.state.parameters}
    if step.task is not None:
        known |= {f"{step.task.value:g}"} if step.task.value is not None else set()
        known |= {f"{bound:g}" for each in step.task.conditions for bound in (each.at_least, each.at_most) if bound}
        known |= {value for _, value in step.task.example.parameters} if step.task.example else set()
    known |= {each.replace("-", "−") for each in known}
    return known | {each.lstrip("−") for each in known}  # "4.040 − 0.148"


def test_there_are_five_lessons_with_chapters_and_tasks() -> None:
    assert [lesson.code for lesson in ALL] == [1, 2, 3, 4, 5]
    for lesson in ALL:
        assert 10 <= lesson.minutes <= 15
        assert len(lesson.chapters) >= 3
        assert all(chapter.steps for chapter in lesson.chapters)
        assert len(lesson.tasks) >= 3
        assert lesson.teacher.misunderstandings
        assert lesson.closing
        assert all(task.found for task in lesson.tasks)
    assert {task.kind for lesson in ALL for task in lesson.tasks} == {"choose", "number", "click", "reach"}


@pytest.mark.parametrize(("lesson", "step"), STEPS)
def test_every_number_in_a_text_is_accounted_for(lesson: Lesson, step: Step) -> None:
    for each in in_all_languages(lesson, step):
        known = known_numbers(each)
        left = [number for text in texts_of(each) for number in numbers_in(text) if number not in known]
        assert left == []


@pytest.mark.parametrize(("lesson", "step"), STEPS)
def test_every_number_is_what_the_model_gives(lesson: Lesson, step: Step) -> None:
    for each in in_all_languages(lesson, step):
        said = " ".join(texts_of(each))
        for number in each.numbers:
            assert number.shown in numbers_in(said), number.shown
            assert number.quantity.name == EXACTLY or is_true(number, each.state), number


def test_every_number_for_teachers_is_what_the_model_gives() -> None:
    for lesson in (each for language in LANGUAGES for each in lessons(language)):
        note = " ".join((lesson.aim, lesson.closing, lesson.teacher.text, *lesson.teacher.misunderstandings))
        assert set(numbers_in(note)) <= {number.shown for number in lesson.teacher.numbers}
        for number in lesson.teacher.numbers:
            assert number.quantity.name == EXACTLY or is_true(number, lesson.steps[0].state), number


@pytest.mark.parametrize(("lesson", "step"), TASKS)
def test_the_right_answer_is_right_and_others_get_a_hint(lesson: Lesson, step: Step) -> None:
    for each in in_all_languages(lesson, step):
        assert each.task is not None
        assert_judged(each, each.task)


def assert_judged(step: Step, task: Task) -> None:
    if task.kind == "choose":
        verdicts = [check(task, Seen(step.state.page, answer=str(place))) for place in range(len(task.options))]
        assert [verdict.right for verdict in verdicts] == [place == task.right for place in range(len(task.options))]
    elif task.kind == "number":
        assert task.quantity is not None
        assert task.value is not None
        if task.quantity.name != EXACTLY:
            assert float(measured(step.state, task.quantity)) == pytest.approx(task.value, abs=task.tolerance + 1e-9)
        verdicts = [check(task, Seen(step.state.page, answer=str(task.value + more))) for more in (0, 1, -0.5)]
        assert [verdict.right for verdict in verdicts] == [True, False, False]
    else:
        assert task.example is not None
        verdicts = [check(task, seen(task, task.example)), check(task, seen(task, step.state, 0.0))]
        assert [verdict.right for verdict in verdicts] == [True, False], verdicts
    assert all(verdict.words == task.solution if verdict.right else len(verdict.words) > 5 for verdict in verdicts)


def test_solutions_say_what_else_is_true() -> None:
    """What a sentence says in words, where no number stands."""
    horses = State("activations", (("model", "mixer_cifar10"), ("image", "horses")))
    off = [{"off": "branch", "off_at": str(stage), "off_to": "zero"} for stage in range(1, 17)]
    others = [
        stage
        for stage, each in enumerate(off, start=1)
        if measured(horses, Quantity("answer_off", tuple(each.items()))) != "horse"
    ]
    assert others == [1, 2, 4, 10, 11, 12, 13, 15]  # odd ones are token mixing
    assert measured(horses, Quantity("answer_shuffled", (("patch_order", "reversed"),))) == "airplane"
    for blocks, answer in (("1,2,3,4,5,6", "bird"), ("5,6,7,8", "airplane")):
        swapped = (("swap_kind", "identity"), ("swap_blocks", blocks))
        assert measured(horses, Quantity("answer_swapped", swapped)) == answer
    for block in range(1, 9):
        alone = (("swap_kind", "identity"), ("swap_blocks", str(block)))
        assert (measured(horses, Quantity("answer_swapped", alone)) == "horse") == (block not in (1, 6, 7, 8))
    bird = State("attribution", (("model", "mixer_cifar10"), ("image", "kingfisher"), ("baseline", "mean")))
    fewest = [
        measured(bird, Quantity("fewest_deleted", (("deleted_by", method),)))
        for method in ("patch_ablation", "patch_logits")
    ]
    assert fewest == [10, 15]
    assert measured(bird, Quantity("answer_deleted", (("deleted_by", "patch_ablation"), ("deleted", "10")))) != "bird"
    assert np.array_equal(answers_without_ten_at_random(bird), [BIRD] * CONTROLS)
    black = State("attribution", (("model", "mixer_cifar10"), ("image", "kingfisher"), ("baseline", "black")))
    assert measured(black, Quantity("answer_of_nothing")) == "deer"
    fig = State("overview", (("model", "mixer_cifar10"), ("image", "fig")))
    assert measured(fig, Quantity("answer")) == "automobile"
    dog = State("overview", (("model", "mixer_cifar10"), ("image", "dog")))
    assert measured(dog, Quantity("answer")) == "dog"
    cat = State("compared", (("model", "mixer_cifar10"), ("image", "cat")))
    said = {name: measured(cat, Quantity("compared_answer", (("mixer", name),))) for name in ("identity", "mlp")}
    assert said == {"identity": "dog", "mlp": "cat"}


def answers_without_ten_at_random(state: State) -> np.ndarray:
    """As the page draws them."""
    model, trace = looked_at(state.get("model"), state.get("image"))
    sets = random_orders(model.config.num_patches, CONTROLS, 0)[:, :10]
    answers: np.ndarray = logits_without_many(model, trace.pixels, sets, baseline="mean").argmax(axis=1)
    return answers


def test_steps_name_models_and_pictures_that_are_there() -> None:
    samples = {sample.name for sample in available_samples()}
    for lesson in ALL:
        for step in lesson.steps:
            assert step.state.get("model").startswith("mixer_")
            assert step.state.get("image") in samples


def test_quantities_that_files_name_exist() -> None:
    named = {number.quantity.name for lesson in ALL for step in lesson.steps for number in step.numbers}
    named |= {each.name for lesson in ALL for task in lesson.tasks for each in needed_quantities(task)}
    assert named - {EXACTLY, TRAINING_ACCURACY} <= set(QUANTITIES)


def test_typed_numbers() -> None:
    written = {
        "64": 64,
        " 0,5 ": 0.5,
        "−3": -3,
        "54 %": 54,
        ".5": 0.5,
        "1e9": 1e9,
        "4.37e-2": 0.0437,
        "1e999": None,
        "": None,
        "9" * 50: None,
        "٣": None,
        "－０．５％": -0.5,
        "10²": None,
    }
    assert {text: read_number(text) for text in written} == written
