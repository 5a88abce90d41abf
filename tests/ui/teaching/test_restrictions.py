"""What a teacher's link says goes into an address and comes back the same, and nothing else comes out of one."""

from __future__ import annotations

import pytest

from mixer_viz.ui.teaching.restrictions import (
    FREE,
    HIDE,
    MOST_LETTERS,
    MOST_NAMES,
    TASK,
    Restrictions,
    part_name,
    read_restrictions,
    written,
)

SOME = [
    Restrictions(),
    Restrictions(task="Find the patch that matters most."),
    Restrictions(free=frozenset()),
    Restrictions(free=frozenset({"token", "off_at"}), hidden=frozenset({"sidebar", "one-block-slowly"})),
    Restrictions(task="哪个图块最重要？ <b>&amp;</b> ?a=b#c", hidden=frozenset({"pages"})),
]


@pytest.mark.parametrize("restrictions", SOME)
def test_what_is_written_is_read_again(restrictions: Restrictions) -> None:
    assert read_restrictions(written(restrictions)) == restrictions


def test_a_link_that_asks_for_nothing_is_none() -> None:
    assert not Restrictions()
    assert written(Restrictions()) == {}
    assert all(SOME[1:])


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("token,block", {"token", "block"}),
        ("-", set()),
        ("", set()),
        ("token,<script>,../..,a b,TOKEN,é", {"token"}),
        (",".join(["x" * 61, "y" * 60]), {"y" * 60}),
        ("token" + ",token" * 100_000, {"token"}),
    ],
)
def test_only_names_come_out_of_an_address(value: str, names: set[str]) -> None:
    assert read_restrictions({FREE: value, HIDE: value}) == Restrictions(free=frozenset(names), hidden=frozenset(names))


def test_an_address_cannot_make_it_long() -> None:
    names = ",".join(f"name{number}" for number in range(1_000))
    found = read_restrictions({TASK: "x" * 1_000_000, FREE: names, HIDE: names})
    assert len(found.task) == MOST_LETTERS
    assert found.free is not None
    assert len(found.free) == len(found.hidden) == MOST_NAMES
    assert sum(map(len, written(found).values())) < 4_000


def test_uploads_and_buttons_are_locked_with_the_choice_that_they_change() -> None:
    locked = Restrictions(free=frozenset({"token"}))
    assert not locked.locks("token")
    assert all(locked.locks(key) for key in ("image", "picture_file", "camera", "weights_file", "swaps"))
    assert locked.locks_button("swap_undo")
    assert not locked.locks_button("search")  # it computes and changes no choice
    free = Restrictions(free=frozenset({"image", "swaps"}))
    assert not any(free.locks(key) for key in ("image", "picture_file", "swap_undo"))


def test_a_hidden_sidebar_locks_what_is_in_it() -> None:
    hidden = Restrictions(hidden=frozenset({"sidebar"}))
    assert hidden.locks("model")
    assert hidden.locks("picture_file")
    assert not hidden.locks("token")


def test_numbers_in_a_heading_are_not_its_name() -> None:
    assert part_name("Through 8 blocks") == part_name("Through 12 blocks") == "through-blocks"
    assert part_name("卷积吗？") != part_name("逐块")
    assert read_restrictions({HIDE: part_name("卷积吗？")}).hidden == {part_name("卷积吗？")}
