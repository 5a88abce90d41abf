"""Sentences: said at once in the language of whoever is looking, or noted in English to be said later."""

from __future__ import annotations

import functools
import numbers
from collections.abc import Iterable
from typing import Any

from mixer_viz.language.catalogues import catalogue
from mixer_viz.language.speaker import current


class Noted(str):
    """An English sentence that knows its message and values, so that it can be said in other languages."""

    __slots__ = ("message", "values")
    message: str
    values: dict[str, Any]

    def __new__(cls, message: str, values: dict[str, Any]) -> Noted:
        """`values` are put into `message` by their names; without any, the message is taken as it is.

        Of an error what it says is kept, so that no sentence holds on to frames and what lies in them.
        """
        kept = {
            name: noted_error(value) if isinstance(value, BaseException) else value for name, value in values.items()
        }
        made = super().__new__(cls, message.format(**kept) if kept else message)
        made.message, made.values = message, kept
        return made

    def __reduce__(self) -> tuple[type[Noted], tuple[str, dict[str, Any]]]:
        """Goes to other processes whole; values that are neither numbers nor texts go as texts."""
        return Noted, (self.message, {name: _plain(value) for name, value in self.values.items()})


def tr(message: str, /, **values: Any) -> str:
    """The message in the language of whoever is looking, with its values.

    Args:
        message: English, with {names} of values as `str.format` has them; without values braces mean nothing. Or a
            sentence that was noted.
        values: numbers, texts, or sentences that were noted, which are said in the same language.
    """
    if isinstance(message, Noted):
        return tr(message.message, **message.values)
    found = catalogue(current()).gettext(message) if message else ""  # gettext answers "" with its header
    return found.format(**{name: _said(value) for name, value in values.items()}) if values else found


def noted(message: str, /, **values: Any) -> Noted:
    """The English sentence, to be said by `shown` in the language of whoever will be looking."""
    return Noted(message, values)


def noted_list(texts: Iterable[str], /) -> str:
    """A few texts or noted sentences as one, with the commas of the language that it is said in; empty for none."""
    first, *others = list(texts) or [""]
    return functools.reduce(lambda some, last: noted("{some}, {last}", some=some, last=last), others, first)


def mark(message: str, /) -> str:
    """The same text; it is in the catalogue, for `tr` to find."""
    return message


def shown(text: str) -> str:
    """A noted sentence in the language of whoever is looking; any other text, of a file say, as it is."""
    return tr(text) if isinstance(text, Noted) else text


def noted_error(error: object) -> str:
    """What an error was given to say, noted where it was, for `shown` to say; the text of anything else."""
    first = error.args[0] if isinstance(error, BaseException) and len(error.args) == 1 else error
    return first if isinstance(first, Noted) else str(error)


def sentence_of_error(error: object) -> str:
    """What an error says, in the language of whoever is looking where it was noted."""
    return shown(noted_error(error))


def _plain(value: Any) -> Any:
    if isinstance(value, str | bool):
        return value
    if isinstance(value, numbers.Real):  # NumPy's own would bring NumPy along
        return int(value) if isinstance(value, numbers.Integral) else float(value)
    return str(value)


def _said(value: Any) -> Any:
    return sentence_of_error(value) if isinstance(value, Noted | BaseException) else value
