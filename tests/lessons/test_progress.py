"""The code of progress: there and back, and refused where it is none."""

from __future__ import annotations

import random
import string

import pytest

from mixer_viz.lessons import CodeError, Progress, lessons, read_code, write_code
from mixer_viz.lessons.progress import VERSION, _checksum

ALL = lessons()
SOME = {
    ALL[0].name: Progress(4, frozenset({ALL[0].tasks[0].name, ALL[0].tasks[2].name})),
    ALL[3].name: Progress(len(ALL[3].steps), frozenset(task.name for task in ALL[3].tasks)),
}


def test_there_and_back() -> None:
    code = write_code(SOME, ALL)
    assert read_code(code, ALL) == SOME
    assert len(code) <= 60
    assert set(code) <= set(string.ascii_uppercase + "234567-")


def test_all_done_fits_into_one_line() -> None:
    done = {each.name: Progress(len(each.steps), frozenset(task.name for task in each.tasks)) for each in ALL}
    code = write_code(done, ALL)
    assert read_code(code, ALL) == done
    assert len(code) < 80


def test_as_people_copy_it() -> None:
    code = write_code(SOME, ALL)
    for copied in (code.lower(), code.replace("-", ""), f" {code}\n", code.replace("-", " "), code.replace("O", "0")):
        assert read_code(copied, ALL) == SOME


def test_no_progress_no_code() -> None:
    assert write_code({}, ALL) == ""
    assert write_code({ALL[0].name: Progress()}, ALL) == ""


def test_one_wrong_letter_is_noticed() -> None:
    code = write_code(SOME, ALL)
    letters = [place for place, letter in enumerate(code) if letter != "-"]
    for place in letters[:-1]:  # the last one may hold bits that mean nothing
        other = "A" if code[place] != "A" else "B"
        with pytest.raises(CodeError):
            read_code(code[:place] + other + code[place + 1 :], ALL)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-",
        "hello",
        "A" * 7,
        "A" * 8,
        "A" * 500,
        "é" * 8,
        "<script>",
        "\x00" * 8,
        "AEAQ",
        "=" * 8,
        "ⅷ" * 8,
        "１" * 8,
    ],
)
def test_hostile_text_is_no_code(text: str) -> None:
    with pytest.raises(CodeError):
        read_code(text, ALL)


def test_noise_is_no_code() -> None:
    draw = random.Random(0)
    for _ in range(300):
        text = "".join(draw.choices(string.ascii_uppercase + "234567", k=draw.randint(1, 60)))
        with pytest.raises(CodeError):
            read_code(text, ALL)


def _code(body: bytes) -> str:
    import base64

    return base64.b32encode(body + _checksum(body)).decode()


def test_another_version_and_unknown_lessons() -> None:
    with pytest.raises(CodeError, match="version"):
        read_code(_code(bytes((VERSION + 1, 1, 1, 0, 0))), ALL)
    assert read_code(_code(bytes((VERSION, 250, 1, 0, 0))), ALL) == {}


def test_too_much_is_cut_to_what_there_is() -> None:
    (found,) = read_code(_code(bytes((VERSION, ALL[0].code, 255, 255, 255))), ALL).values()
    assert found == Progress(len(ALL[0].steps), frozenset(task.name for task in ALL[0].tasks))


def test_progress_only_grows() -> None:
    one, other = Progress(3, frozenset({"a"})), Progress(1, frozenset({"b"}))
    assert one.joined(other) == other.joined(one) == Progress(3, frozenset({"a", "b"}))
    assert one.opened(1) == one
    assert one.opened(3).furthest == 4
    assert one.with_solved("b").solved == {"a", "b"}
