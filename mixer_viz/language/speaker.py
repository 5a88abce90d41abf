"""Whose language it is: of a block of code, else of the visit that is served, else English."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from mixer_viz.language.catalogues import LANGUAGES, SOURCE

_spoken: ContextVar[str] = ContextVar("language", default="")
_for_everybody: ContextVar[bool] = ContextVar("for_everybody", default=False)
_asked: list[Callable[[], str | None]] = []
STRICT = False  # tests: raise where a sentence would be kept for visitors of other languages


def ask(who: Callable[[], str | None]) -> None:
    """From now on `who` is asked for the language of the visit that this thread serves; None where it serves none."""
    _asked[:] = [who]


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """All that this thread says inside of the block is in this language; KeyError for one that is not there."""
    if language not in LANGUAGES:
        raise KeyError(f"there is no language {language!r}; there are {', '.join(LANGUAGES)}")
    token, shared = _spoken.set(language), _for_everybody.set(False)
    try:
        yield
    finally:
        _spoken.reset(token)
        _for_everybody.reset(shared)


@contextmanager
def for_everybody() -> Iterator[None]:
    """What is worked out inside of the block is kept for visitors of all languages: only `noted` may make sentences."""
    token = _for_everybody.set(True)
    try:
        yield
    finally:
        _for_everybody.reset(token)


def current() -> str:
    """The language that a sentence is to be said in now: "en" or "zh".

    Raises AssertionError inside of `for_everybody` where `STRICT` is on; English otherwise, so that nobody's
    language reaches others.
    """
    if _for_everybody.get():
        if STRICT:
            raise AssertionError("a sentence in somebody's language would be kept for everybody: use `noted`")
        return SOURCE
    return _spoken.get() or of_visit()


def of_visit() -> str:
    """The language of the visit that this thread serves, whatever is worked out in it; English where there is none."""
    return (_asked[0]() if _asked else None) or SOURCE
