"""The server's room for uploads: of one visitor, of all together, of those who are there."""

from __future__ import annotations

import pytest

from mixer_viz.ui.compute import uploads
from mixer_viz.ui.compute.uploads import UploadRoom


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    there = {"ann", "bob"}
    monkeypatch.setattr(uploads, "is_connected", there.__contains__)
    return there


def test_all_visitors_share_the_room(here: set[str]) -> None:
    room = UploadRoom(100)
    assert room.take("ann", "checkpoint", 60) == ""
    assert room.take("bob", "checkpoint", 41) == "all"
    assert room.take("bob", "checkpoint", 40) == ""
    assert room.take("bob", "picture", 1) == "all"
    assert room.held == 100


def test_one_visitor_has_a_bound_of_their_own(here: set[str]) -> None:
    room = UploadRoom(100, 50)
    assert room.take("ann", "checkpoint", 51) == "visitor"
    assert room.take("ann", "checkpoint", 50) == ""
    assert room.take("ann", "picture", 1) == "visitor"
    assert room.take("ann", "checkpoint", 40) == ""
    assert room.take("ann", "picture", 10) == ""
    assert room.take("bob", "checkpoint", 50) == ""
    assert room.take("bob", "picture", 1) == "visitor"


def test_a_new_upload_takes_the_place_of_the_last_one_of_its_kind(here: set[str]) -> None:
    room = UploadRoom(100)
    assert room.take("ann", "checkpoint", 60) == ""
    assert room.take("ann", "checkpoint", 100) == ""
    assert room.take("ann", "picture", 1) == "visitor"
    assert room.take("bob", "picture", 1) == "all"


def test_what_is_forgotten_or_left_makes_room(here: set[str]) -> None:
    room = UploadRoom(100)
    assert room.take("ann", "folder", 60) == ""
    assert room.take("bob", "folder", 40) == ""
    room.leave("bob", "folder")
    assert room.take("ann", "picture", 40) == ""
    here.remove("ann")
    assert room.take("bob", "checkpoint", 100) == ""
    assert room.held == 100
