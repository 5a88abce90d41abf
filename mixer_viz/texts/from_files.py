"""Text that comes out of files (names of classes, tensors and files, metadata) is shown as text, whatever it holds."""

from __future__ import annotations

import re
import unicodedata

from mixer_viz.language import sentence_of_error

MOST_LETTERS = 200  # of a name
MOST_IN_SENTENCE = 1_000  # of an error, which may quote a file
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, format, lone surrogates, not assigned, line ends
_JOINERS = "\u200c\u200d"  # Persian, Hindi and others are written with them, and emoji
# What Markdown or plotly would read as more than a letter; _ inside of a word is none of it.
_MARKUP = re.compile(r"[\\`*{}\[\]<>#|~$&]|(?<![^\W_])_|_(?![^\W_])")
_LIST = re.compile(r"^(\d+(?=[.)])|[-+](?=\s))")  # Markdown, where a line begins
# Where Streamlit makes links, emoji and arrows even of what it has read as text.
_LINKS = re.compile(r"(?<=:)(?=\S)|(?<=\bwww)(?=\.)|(?<=@)|(?<=[-<>=~])(?=[-<>=~])", re.IGNORECASE)
_WORD_JOINER = "\u2060"  # has no width


def visible(text: str, most: int = MOST_LETTERS) -> str:
    r"""One line in which every character can be seen, for plain text: fields, pictures, files for download.

    What has no look of its own is written as in Python, a newline as \n; beyond `most` letters it is cut.
    """
    cut = text[:most] + ("…" if len(text) > most else "")
    return "".join(_escaped(letter) if _is_hidden(letter) else letter for letter in cut).strip()


def literal(text: str, most: int = MOST_LETTERS) -> str:
    """`visible` for what reads Markdown (sentences, tables, labels of buttons) and for plotly, which reads HTML.

    Both take `&#42;` for a star that means nothing. A file's text goes through here exactly once.
    """
    parted = _LIST.sub(rf"\1{_WORD_JOINER}", _LINKS.sub(_WORD_JOINER, visible(text, most)))
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", parted)


def literal_sentence(text: object) -> str:
    """`literal` for a whole sentence that may quote a file, such as an error's; in the visitor's language if noted."""
    return literal(sentence_of_error(text), MOST_IN_SENTENCE)


def _is_hidden(letter: str) -> bool:
    return unicodedata.category(letter) in _HIDDEN and letter not in _JOINERS


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape", "surrogatepass").decode("ascii")
