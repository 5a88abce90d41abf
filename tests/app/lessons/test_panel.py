"""The panel beside a page: where one is, tasks and hints, looking around, coming back, leaving."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from mixer_viz.lessons import Progress, find_lesson
from mixer_viz.ui.learning.table import live_table
from mixer_viz.ui.lessons import results
from tests.app.driving import errors, panel, start
from tests.app.lessons.driving import (
    FIRST,
    follow,
    judge,
    keys_on_page,
    open_page,
    open_step,
    place_of,
    said,
    words,
)

EYE = place_of(FIRST, "eye")


@pytest.fixture(autouse=True)
def _end_trainings() -> Iterator[None]:
    yield
    live_table().close()
    live_table.clear()


def verdicts(app) -> tuple[list[str], list[str]]:  # type: ignore[no-untyped-def]
    return [note.value for note in app.warning], [note.value.removeprefix("**Right.** ") for note in app.success]


def found_out(app) -> list[str]:  # type: ignore[no-untyped-def]
    """What stands together at the end of a lesson, a line of a list each."""
    (end,) = (each for each in app.expander if each.label == "What you have found out")
    return [line for text in end.markdown for line in str(text.value).splitlines()]


def test_without_a_lesson_there_is_no_panel() -> None:
    app = start()
    assert "lesson_leave_button" not in keys_on_page(app)
    assert "lesson" not in app.query_params


def test_a_step_says_where_it_is_and_what_it_means() -> None:
    app = open_step(FIRST, EYE)
    step = FIRST.steps[EYE]
    read = words(app)
    for text in (FIRST.title, step.title, step.text, step.notice, step.thing, step.task.question):
        assert text in read
    assert "Chapter 1 of 3: What the network sees" in read
    assert "Model: mixer_cifar10 · Picture: Cat" in read
    assert f"Step {EYE + 1} of {len(FIRST.steps)} · 0 of {len(FIRST.tasks)} tasks solved" in read
    assert panel(app, "lesson_mark_button")["marks"] == ["patch-panel"]
    style = "".join(each.proto.body for each in app.get("html"))
    assert re.findall(r"\.st-key-patch-panel { (--frame-\d): 3px solid [^;]+; (--frame-\d): 3px", style) == [
        ("--frame-1", "--frame-2")
    ]


def test_a_wrong_click_gets_a_hint_and_the_right_one_the_solution() -> None:
    app = judge(open_step(FIRST, EYE))
    wrong, right = verdicts(app)
    assert wrong == ["This is not an eye. Look for the dark spots with a bright rim, a little above the middle."]
    assert right == []
    app.number_input(key="token").set_value(26).run()
    wrong, right = verdicts(judge(app))
    assert (wrong, right) == ([], [FIRST.steps[EYE].task.solution])
    assert f"1 of {len(FIRST.tasks)} tasks solved" in words(app)


def test_a_hint_goes_once_something_else_is_seen() -> None:
    app = judge(open_step(FIRST, EYE))
    assert len(verdicts(app)[0]) == 1
    app.run()
    assert len(verdicts(app)[0]) == 1  # nothing has changed
    app.number_input(key="token").set_value(40).run()
    assert verdicts(app) == ([], [])
    assert len(verdicts(judge(app))[0]) == 1


def test_a_number_is_typed_and_judged() -> None:
    app = open_step(FIRST, place_of(FIRST, "patches"))
    field = f"lesson_answer_{FIRST.name}_count"
    assert verdicts(judge(app)) == (["Give an answer first."], [])
    app.text_input(key=field).set_value("sixty-four")
    assert verdicts(judge(app))[0] == ["This is no number. Write it in digits, such as 12, −0.5 or 4.37e-2."]
    app.text_input(key=field).set_value("63")
    assert verdicts(judge(app))[0] == [FIRST.steps[place_of(FIRST, "patches")].task.hint]
    app.text_input(key=field).set_value(" 64 ")
    assert verdicts(judge(app)) == ([], ["There are 64 patches, 8 rows of 8."])


def test_a_number_that_is_rounded_too_far_is_told_so() -> None:
    lesson = find_lesson("mixing_across_and_within")
    app = open_step(lesson, place_of(lesson, "skip"))
    field = f"lesson_answer_{lesson.name}_result"
    task = lesson.steps[place_of(lesson, "skip")].task
    app.text_input(key=field).set_value(f"{task.value:.2g}")
    assert verdicts(judge(app))[0] == ["This is right but rounded too far: give one or two digits more."]
    app.text_input(key=field).set_value(f"{task.value:.2e}")  # three digits
    assert verdicts(judge(app))[1] == [task.solution]


def test_a_choice_is_judged_and_after_three_tries_the_answer_may_be_seen() -> None:
    app = open_step(FIRST, place_of(FIRST, "filters"))
    task = FIRST.steps[place_of(FIRST, "filters")].task
    radio = app.radio(key=f"lesson_answer_{FIRST.name}_shared")
    assert radio.value is None
    radio.set_value(task.options[1].text).run()
    for _ in range(3):
        assert "lesson_show_answer" not in keys_on_page(app)
        assert verdicts(judge(app))[0] == [task.options[1].hint]
    app.radio(key=f"lesson_answer_{FIRST.name}_shared").set_value(task.options[2].text).run()
    assert verdicts(app) == ([], [])  # the hint was for the other answer
    app.radio(key=f"lesson_answer_{FIRST.name}_shared").set_value(task.options[1].text).run()
    app.button(key="lesson_show_answer").click().run()
    assert [note.value for note in app.info] == [task.solution]
    assert "0 of" in words(app)  # to see it is not to solve it
    app.radio(key=f"lesson_answer_{FIRST.name}_shared").set_value(task.options[0].text).run()
    assert verdicts(judge(app)) == ([], [task.solution])


def test_a_page_that_stops_before_its_end_has_the_whole_panel() -> None:
    lesson = find_lesson("what_did_it_learn")
    place = place_of(lesson, "opposites")
    app = open_step(lesson, place)
    task = lesson.steps[place].task
    assert f"Step {place + 1} of {len(lesson.steps)}" in words(app)
    app.radio(key=f"lesson_answer_{lesson.name}_{task.name}").set_value(task.options[task.right].text).run()
    assert verdicts(judge(app)) == ([], [task.solution])


def test_looking_around_and_coming_back() -> None:
    app = open_step(FIRST, EYE)
    open_page(app, "activations")
    assert errors(app) == []
    assert "The step “What a patch shows” is on another page." in words(app)
    assert app.query_params["lesson"] == FIRST.name
    assert "lesson_mark_button" not in keys_on_page(app)
    assert verdicts(judge(app))[0] == ["Click a patch on the page that belongs to this step."]
    follow(app, FIRST, EYE)
    assert "You are looking around." not in words(app)
    assert said(app)["token"] == "0"


def test_back_to_this_step_restores_what_was_changed() -> None:
    app = open_step(FIRST, EYE)
    app.number_input(key="token").set_value(40).run()
    app.button_group(key="filters").set_value("Channel").run()
    app.selectbox(key="image").select("Dog").run()
    app.button(key="lesson_back").click().run()
    assert errors(app) == []
    assert {key: said(app)[key] for key in ("token", "filters", "image")} == {
        "token": "0",
        "filters": "frequency",
        "image": "cat",
    }


def test_a_step_leaves_nothing_of_the_one_before() -> None:
    lesson = find_lesson("what_did_it_learn")
    app = open_step(lesson, place_of(lesson, "smoothest"))
    assert said(app)["order"] == "frequency"
    follow(app, lesson, place_of(lesson, "atlas"))
    assert said(app)["order"] == "pairs"


def test_leaving_and_nonsense_in_the_link() -> None:
    app = open_step(FIRST, EYE)
    app.button(key="lesson_leave_button").click().run()
    assert "lesson_leave_button" not in keys_on_page(app)
    assert not {"lesson", "step"} & set(app.query_params)
    assert said(app)["token"] == "0"  # what was seen stays
    app = start(lesson="../../etc/passwd", step="1")
    assert errors(app) == []
    assert "lesson_leave_button" not in keys_on_page(app)


@pytest.mark.parametrize("step", ["", "<b>", "9999"])
def test_a_link_to_a_lesson_alone_goes_to_its_first_step(step: str) -> None:
    lesson = find_lesson("can_we_trust_the_map")
    app = start("patches", lesson=lesson.name, **({"step": step} if step else {}))
    assert errors(app) == []
    assert lesson.steps[0].title in words(app)
    assert "You are looking around." not in words(app)
    assert dict(lesson.steps[0].state.parameters).items() <= said(app).items()


def test_the_last_step_leads_to_all_lessons() -> None:
    app = open_step(FIRST, len(FIRST.steps) - 1)
    task, told = FIRST.steps[-1].task, "This was the last step of “From pixels to tokens”."
    assert "All lessons" in [link.proto.label for link in app.get("page_link")]
    assert told not in words(app)  # its task is not solved
    app.radio(key=f"lesson_answer_{FIRST.name}_{task.name}").set_value(task.options[task.right].text).run()
    judge(app)
    assert told in words(app)
    assert f"Step {len(FIRST.steps)} of {len(FIRST.steps)} · 1 of {len(FIRST.tasks)} tasks solved" in words(app)
    assert found_out(app) == [f"- {task.found}", f"**{FIRST.closing}**"]
    still_open = [step.title for step in FIRST.steps if step.task not in (None, task)]
    links = [link.proto.label for link in app.get("page_link")]
    assert "Not solved yet:" in words(app)
    assert [label for label in links if label in still_open] == still_open


def test_all_that_was_found_out_stands_together_at_the_end() -> None:
    app = open_step(FIRST, len(FIRST.steps) - 1)
    solved = frozenset(task.name for task in FIRST.tasks)
    app.session_state["_lesson_progress"] = {FIRST.name: Progress(len(FIRST.steps), solved)}
    app.run()
    assert found_out(app) == [*(f"- {task.found}" for task in FIRST.tasks), f"**{FIRST.closing}**"]
    assert "Not solved yet:" not in words(app)


def test_a_state_that_solves_the_last_task_is_counted_at_once() -> None:
    lesson = find_lesson("mixing_across_and_within")
    app = open_step(lesson, len(lesson.steps) - 1)
    app.selectbox(key="off_at").select_index(int(lesson.steps[-1].task.example.get("off_at")) - 1).run()
    judge(app)
    assert f"1 of {len(lesson.tasks)} tasks solved" in words(app)
    assert "This was the last step" in words(app)


def test_a_layer_to_recognise_is_shown_without_its_name() -> None:
    lesson = find_lesson("what_did_it_learn")
    app = open_step(lesson, place_of(lesson, "which_layer"))
    (shown,) = panel(app, "lesson_picture")["grids"]
    strip = panel(app, "strip")["grids"]
    assert shown["values"] == strip[lesson.steps[place_of(lesson, "which_layer")].task.layer]["values"]
    assert [place for place, each in enumerate(strip) if each["values"] == shown["values"]] == [10]
    assert not any(
        name in json for name in ("lock 5", "channel mixing") for json in (str(shown["description"]), shown["title"])
    )


def test_a_state_is_judged_by_what_it_does() -> None:
    lesson = find_lesson("can_we_trust_the_map")
    app = open_step(lesson, place_of(lesson, "by_ablation"))
    assert verdicts(judge(app))[0] == ["It still says bird. Delete a few more patches."]
    task = lesson.steps[place_of(lesson, "by_ablation")].task
    app.slider(key="deleted").set_value(int(task.example.get("deleted"))).run()
    assert verdicts(judge(app))[1] == [task.solution]


def test_another_model_is_pointed_at() -> None:
    lesson = find_lesson("can_we_trust_the_map")
    app = open_step(lesson, place_of(lesson, "by_ablation"))
    app.selectbox(key="model").select("mixer_everyday").run()
    assert "another one is chosen" in verdicts(judge(app))[0][0]


def test_the_visitors_own_training_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    lesson = find_lesson("what_did_it_learn")
    app = open_step(lesson, place_of(lesson, "train"))
    assert "It is not there yet." in verdicts(judge(app))[0][0]  # ready, and not begun
    accuracy = SimpleNamespace(latest=SimpleNamespace(test_accuracy=0.905))
    run = SimpleNamespace(look=lambda: accuracy)
    monkeypatch.setattr(results, "live_table", lambda: SimpleNamespace(run_of=lambda visitor: run))
    assert verdicts(judge(app))[1][0] == lesson.steps[place_of(lesson, "train")].task.solution
