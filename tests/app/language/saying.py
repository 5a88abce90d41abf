"""A language in which every message stands between ⟦ and ⟧, and what of a page stands outside of them."""

from __future__ import annotations

import gettext
import json
import re
from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

# Fields of Streamlit's messages that nobody reads.
_UNREAD = {
    *(
        "id",
        "key",
        "user_key",
        "form_id",
        "url",
        "css",
        "js",
        "html",
        "icon",
        "name",
        "mime",
        "anchor",
        "type",
        "config",
    ),
    *("js_content", "css_content", "component_name", "deferred_file_id", "active_script_hash", "script_hash", "hash"),
    *(
        "page_script_hash",
        "url_pathname",
        "fragment_id",
        "media_file_id",
        "default",
        "element_hash",
        "theme",
        "language",
    ),
    *("run_id", "accept", "imgs", "page", "query_string"),
}
# Keys under which the data of charts and of our own components hold words.
_WORDS = {
    *("text", "title", "name", "label", "hovertemplate", "description", "shape", "note", "hint", "sentence", "words"),
    *("cell", "unit", "ticktext", "customdata", "hovertext", "alt"),
}
_UNREAD_KEYS = {"template", "color", "colorscale", "family", "bdata", "dtype"}
_NO_WORDS = re.compile(
    r"\$\$.*?\$\$|\$[^$]*\$|<[^>]*>|&#?\w+;|:material/\w+:|https?://\S+|\]\([^)]*\)|`[^`]*`|%\{[^}]*\}", re.DOTALL
)
# The same in every language.
NAMES = {
    "Language",
    "MLP",
    "PNG",
    "SVG",
    "PDF",
    "NPZ",
    "CSV",
    "GELU",
    "LayerNorm",
    "English",
    "mixer",
    "cifar",
    "everyday",
}


class Marking(gettext.NullTranslations):
    """Puts every message between ⟦ and ⟧."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"


def words_outside(text: str, names: frozenset[str] = frozenset()) -> list[str]:
    """Words of three letters and more that no message says; formulas, code and addresses are none."""
    text = _NO_WORDS.sub(" ", text)
    while (shorter := re.sub(r"⟦[^⟦⟧]*⟧", " ", text)) != text:
        text = shorter
    return [word for word in re.findall(r"[A-Za-z][A-Za-z'-]{2,}", text) if word not in NAMES | names]


def texts_sent(messages: list[ForwardMsg]) -> Iterator[tuple[str, str]]:
    """Every text that a browser is sent to show, with its place in the message."""
    for message in messages:
        if message.WhichOneof("type") != "delta":
            continue
        for place, text in _texts(message.delta, ""):
            yield from _of_data(place, text) if text[:1] in "{[" else [(place, text)]


def _of_data(place: str, text: str) -> Iterator[tuple[str, str]]:
    try:
        yield from _words_of(json.loads(text), place, False)
    except ValueError:
        yield place, text


def _texts(message: Message, place: str) -> Iterator[tuple[str, str]]:
    for field, value in message.ListFields():
        if field.name in _UNREAD:
            continue
        values = list(value.values()) if hasattr(value, "values") else value if field.is_repeated else [value]
        for each in values:
            if isinstance(each, Message):
                yield from _texts(each, f"{place}.{field.name}")
            elif isinstance(each, str):
                yield f"{place}.{field.name}", each


def _words_of(value: Any, place: str, is_read: bool) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key not in _UNREAD_KEYS:
                yield from _words_of(each, f"{place}.{key}", is_read or key in _WORDS)
    elif isinstance(value, list):
        for each in value:
            yield from _words_of(each, place, is_read)
    elif isinstance(value, str) and is_read:
        yield place, value
