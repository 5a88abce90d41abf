"""How far somebody is in the lessons, and the short code that carries it to another tab or another day.

A code is base32 (no letter that reads like a digit) of: version, then for each lesson its code, how many steps were
opened, and which tasks are solved, two bytes; a checksum ends it. It says nothing about who made it.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import zlib
from collections.abc import Sequence

from mixer_viz.lessons.lesson import Lesson

VERSION = 1
MOST_LETTERS = 400  # of a code that is pasted
_GROUP = 4
_EACH = 4  # bytes


class CodeError(ValueError):
    """Text that is no code of progress."""


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far somebody is in one lesson."""

    furthest: int = 0  # how many steps were opened, from the first on
    solved: frozenset[str] = frozenset()  # names of tasks

    def opened(self, place: int) -> Progress:
        """With the step at `place`, from 0, opened."""
        return dataclasses.replace(self, furthest=max(self.furthest, place + 1))

    def with_solved(self, task: str) -> Progress:
        """With this task solved."""
        return dataclasses.replace(self, solved=self.solved | {task})

    def joined(self, other: Progress) -> Progress:
        """The further of both in everything."""
        return Progress(max(self.furthest, other.furthest), self.solved | other.solved)


Progresses = dict[str, Progress]  # by the lessons' names


def write_code(progresses: Progresses, lessons: Sequence[Lesson]) -> str:
    """The code of this progress; empty where there is none."""
    data = b""
    for lesson in lessons:
        progress = progresses.get(lesson.name, Progress())
        solved = sum(1 << place for place, task in enumerate(lesson.tasks) if task.name in progress.solved)
        if progress.furthest or solved:
            furthest = min(progress.furthest, len(lesson.steps))
            data += bytes((lesson.code, furthest)) + solved.to_bytes(2, "big")
    if not data:
        return ""
    data = bytes((VERSION,)) + data
    text = base64.b32encode(data + _checksum(data)).decode().rstrip("=")
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))


def read_code(code: str, lessons: Sequence[Lesson]) -> Progresses:
    """The progress that a code holds; lessons that are not here are left out.

    Raises CodeError for what `write_code` has not written.
    """
    text = "".join(letter for letter in code[: MOST_LETTERS + 1] if letter not in "- \t\r\n")
    if not 0 < len(text) <= MOST_LETTERS or len(code) > MOST_LETTERS or not text.isascii():
        raise CodeError("no code")
    try:
        data = base64.b32decode(text.upper() + "=" * (-len(text) % 8), map01="L")
    except (binascii.Error, ValueError) as exc:
        raise CodeError("not base32") from exc
    body, checksum = data[:-2], data[-2:]
    if len(body) % _EACH != 1 or len(body) == 1 or checksum != _checksum(body):
        raise CodeError("the checksum does not fit")
    if body[0] != VERSION:
        raise CodeError("another version")
    known = {lesson.code: lesson for lesson in lessons}
    entries = [body[start : start + _EACH] for start in range(1, len(body), _EACH)]
    return {known[entry[0]].name: _progress(entry, known[entry[0]]) for entry in entries if entry[0] in known}


def _progress(entry: bytes, lesson: Lesson) -> Progress:
    solved = int.from_bytes(entry[2:], "big")
    names = [task.name for place, task in enumerate(lesson.tasks) if solved >> place & 1]
    return Progress(min(entry[1], len(lesson.steps)), frozenset(names))


def _checksum(data: bytes) -> bytes:
    return (zlib.crc32(data) & 0xFFFF).to_bytes(2, "big")
