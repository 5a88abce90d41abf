"""Opening steps of lessons in the app."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamlit.testing.v1 import AppTest

from mixer_viz.lessons import Lesson, State, lessons
from mixer_viz.ui.widgets.links import _Links
from tests.app.driving import ROOT, TIMEOUT

FIRST = lessons()[0]


def open_state(state: State, more: Mapping[str, str] | None = None) -> AppTest:
    """A new visitor who follows a link to this state."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    for name, value in {**dict(state.parameters), **(more or {})}.items():
        app.query_params[name] = value
    if state.page != "overview":
        app.switch_page(f"pages/{state.page}.py")
    return app.run()


def open_step(lesson: Lesson, place: int) -> AppTest:
    """A new visitor who follows a link to a step."""
    step = lesson.steps[place]
    return open_state(step.state, {"lesson": lesson.name, "step": step.name})


def follow(app: AppTest, lesson: Lesson, place: int) -> AppTest:
    """What a click on a link to a step does, which AppTest cannot click."""
    step = lesson.steps[place]
    app.query_params.clear()
    for name, value in {**dict(step.state.parameters), "lesson": lesson.name, "step": step.name}.items():
        app.query_params[name] = value
    return app.switch_page(f"pages/{step.state.page}.py").run()


def open_page(app: AppTest, page: str) -> AppTest:
    """What a click on a page's name in the sidebar does."""
    return app.switch_page(f"pages/{page}.py").run()


def place_of(lesson: Lesson, step: str) -> int:
    return [each.name for each in lesson.steps].index(step)


def said(app: AppTest) -> dict[str, str]:
    """What every field of the page holds, as links say it."""
    links: _Links = app.session_state["_links"]
    return {key: value for key, value in links.said.items() if key in links.here}


def keys_on_page(app: AppTest) -> set[str]:
    """Keys of everything that is drawn; pictures and charts have theirs at the end of their id."""
    found: set[str] = set()
    for element in app:
        found |= {str(key)} if (key := getattr(element, "key", None)) else set()
        proto: Any = getattr(element, "proto", None)
        identity = str(getattr(proto, "id", "") or getattr(getattr(proto, "block", None), "id", ""))
        found |= {identity.split("-", 2)[-1]} if identity.startswith("$$ID-") else set()
    return found


def words(app: AppTest) -> str:
    """What can be read."""
    kinds = (app.markdown, app.caption, app.success, app.warning, app.info, app.error, app.title, app.subheader)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def judge(app: AppTest) -> AppTest:
    return app.button(key="lesson_check").click().run()
