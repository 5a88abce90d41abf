"""Files to download while other visitors' pages are drawn, with Streamlit's own manager of files."""

from __future__ import annotations

import inspect
from pathlib import PurePosixPath

import pytest
import streamlit as st
from streamlit.runtime import media_file_manager
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from mixer_viz.ui.serving.media_files import keep_files_while_offered

CHANGED = ("clear_session_refs", "remove_orphaned_files", "execute_deferred")


class Visitors:
    """Runs of several visitors' pages, as Streamlit's script runner and session tell the manager of files of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.manager = MediaFileManager(MemoryMediaFileStorage("/media"))
        self._now = ""
        monkeypatch.setattr(media_file_manager, "_get_session_id", lambda: self._now)

    def begin(self, name: str) -> None:
        self._now = name
        self.manager.clear_session_refs()

    def offer(self, name: str, text: str = "figure", place: str = "1.2") -> str:
        self._now = name
        return self.manager.add_deferred(text.encode, "text/plain", place)

    def end(self, name: str) -> None:
        self._now = name
        self.manager.remove_orphaned_files()

    def draw(self, name: str, *texts: str) -> list[str]:
        self.begin(name)
        offered = [self.offer(name, text, f"1.{place}") for place, text in enumerate(texts)]
        self.end(name)
        return offered

    def leave(self, name: str) -> None:
        self._now = "dontcare"  # the server's own thread is nobody's
        self.manager.clear_session_refs(name)
        self.manager.remove_orphaned_files()

    def fetch(self, address: str) -> bytes | None:
        file = self.manager.read_file(PurePosixPath(address).stem)
        return None if file is None else file.content

    def held(self) -> int:
        """Files and buttons that the manager has not let go."""
        return len(self.manager._file_metadata) + len(self.manager._deferred_callables)


def put_streamlits_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the test ends; another test of this process may have run the app."""
    for name in CHANGED:
        monkeypatch.setattr(MediaFileManager, name, inspect.unwrap(getattr(MediaFileManager, name)))


@pytest.fixture
def visitors(monkeypatch: pytest.MonkeyPatch) -> Visitors:
    put_streamlits_back(monkeypatch)
    keep_files_while_offered.__wrapped__()
    return Visitors(monkeypatch)


def test_a_file_outlives_the_runs_of_others_until_the_browser_has_fetched_it(visitors: Visitors) -> None:
    (button,) = visitors.draw("ann", "figure")
    address = visitors.manager.execute_deferred(button)
    for _ in range(5):
        visitors.draw("bob", "his")
    assert visitors.fetch(address) == b"figure"


def test_a_button_works_while_its_page_is_drawn_anew(visitors: Visitors) -> None:
    (button,) = visitors.draw("ann", "figure")
    visitors.begin("ann")
    visitors.draw("bob", "his")
    visitors.draw("bob", "his")
    address = visitors.manager.execute_deferred(button)
    visitors.draw("bob", "his")
    visitors.draw("bob", "his")
    assert visitors.fetch(address) == b"figure"


def test_what_a_run_does_not_draw_again_goes(visitors: Visitors) -> None:
    (button,) = visitors.draw("ann", "figure")
    visitors.manager.execute_deferred(button)
    assert visitors.held() == 2
    for _ in range(3):  # Streamlit removes a file at the second end that finds it unused
        visitors.draw("ann")
    assert visitors.held() == 0


def test_a_run_that_overtakes_another_leaves_the_page_what_it_has(visitors: Visitors) -> None:
    (button,) = visitors.draw("ann", "figure")
    visitors.begin("ann")
    visitors.begin("ann")
    visitors.draw("bob")
    assert visitors.fetch(visitors.manager.execute_deferred(button)) == b"figure"


@pytest.mark.parametrize("drawing", [False, True])
def test_a_visitor_who_leaves_takes_everything_along(visitors: Visitors, drawing: bool) -> None:
    (button,) = visitors.draw("ann", "figure")
    visitors.manager.execute_deferred(button)
    if drawing:
        visitors.begin("ann")
    visitors.leave("ann")
    visitors.draw("bob")
    assert visitors.held() == 0


def test_a_file_that_is_made_after_its_visitor_left_is_not_kept(visitors: Visitors) -> None:
    def make() -> bytes:
        visitors.leave("ann")
        return b"figure"

    visitors.begin("ann")
    button = visitors.manager.add_deferred(make, "text/plain", "1.2")
    visitors.end("ann")
    visitors.manager.execute_deferred(button)
    visitors.draw("bob")
    visitors.draw("bob")
    assert visitors.held() == 0


def test_streamlit_alone_loses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this fails, Streamlit keeps such files itself and mixer_viz/ui/serving/media_files.py may go."""
    put_streamlits_back(monkeypatch)
    visitors = Visitors(monkeypatch)
    (button,) = visitors.draw("ann", "figure")
    address = visitors.manager.execute_deferred(button)
    visitors.draw("bob")
    visitors.draw("bob")
    assert visitors.fetch(address) is None, st.__version__
