"""The one switch of Streamlit's own that the app sets, looked at closely: it may change with any of its versions."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st
from streamlit.runtime import pages_manager
from streamlit.testing.v1 import AppTest

from mixer_viz.ui.router import require_router

APP = Path(__file__).parents[2] / "app.py"
SWITCH = "uses_pages_directory"
ADVICE = (
    f"streamlit {st.__version__} no longer treats PagesManager.{SWITCH} as require_router() in mixer_viz/ui/router.py "
    "expects. What breaks: the first deep link after a start (/patches) shows the bare page, without the sidebar, and "
    "AppTest loses the sidebar from the second run on. Where to look: in Streamlit, runtime/pages_manager.py sets the "
    "switch, runtime/scriptrunner/script_runner.py reads it, and commands/navigation.py clears it. Change "
    "require_router() to do what the last one does, then the bounds in pyproject.toml and the pin in requirements.txt."
)
# Without require_router() in its page.
APP_WITH_PAGES = """
import streamlit as st
page = st.navigation([st.Page("pages/one.py", default=True), st.Page("pages/two.py")])
st.sidebar.text("sidebar")
page.run()
"""


@pytest.fixture(autouse=True)
def switch_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    assert getattr(getattr(pages_manager, "PagesManager", None), SWITCH, "gone") != "gone", ADVICE
    monkeypatch.setattr(pages_manager.PagesManager, SWITCH, None)


def test_a_pages_folder_turns_the_switch_on() -> None:
    pages_manager.PagesManager(str(APP))
    assert getattr(pages_manager.PagesManager, SWITCH) is True, ADVICE


def test_the_router_turns_it_off_and_starts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    again: list[bool] = []
    monkeypatch.setattr(st, "rerun", lambda: again.append(True))
    pages_manager.PagesManager(str(APP))
    require_router()
    require_router()
    assert again == [True], ADVICE
    assert getattr(pages_manager.PagesManager, SWITCH) is False, ADVICE


@pytest.mark.parametrize("routed", [False, True])
def test_the_switch_decides_whether_the_sidebar_stays(routed: bool, tmp_path: Path) -> None:
    """Not routed, AppTest's second run is of the bare page: what require_router() is there for."""
    first_line = "from mixer_viz.ui.router import require_router; require_router()\n" if routed else ""
    (tmp_path / "pages").mkdir()
    for name in ("one", "two"):
        (tmp_path / "pages" / f"{name}.py").write_text(f'{first_line}import streamlit as st\nst.text("{name}")\n')
    (tmp_path / "app.py").write_text(APP_WITH_PAGES)
    app = AppTest.from_file(str(tmp_path / "app.py"), default_timeout=30).run()
    texts = [[text.value for text in part.text] for part in (app.run().sidebar, app)]
    assert texts == ([["sidebar"], ["one", "sidebar"]] if routed else [[], ["one"]]), (
        ADVICE if routed else f"{ADVICE} Or the fault is gone, and with it the need for require_router()."
    )


def test_two_first_visitors_at_once_both_come_through_the_router(tmp_path: Path) -> None:
    """The other one turns the switch off after this one's page was started by itself."""
    switch = "streamlit.runtime.pages_manager import PagesManager; PagesManager.uses_pages_directory"
    other_visitor = f"from {switch} = False\n"
    first_line = "from mixer_viz.ui.router import require_router; require_router()\n"
    (tmp_path / "pages").mkdir()
    for name in ("one", "two"):
        page = f'{other_visitor}{first_line}import streamlit as st\nst.text("{name}")\n'
        (tmp_path / "pages" / f"{name}.py").write_text(page)
    (tmp_path / "app.py").write_text(APP_WITH_PAGES)
    app = AppTest.from_file(str(tmp_path / "app.py"), default_timeout=30).run()
    assert [text.value for text in app.run().sidebar.text] == ["sidebar"]
