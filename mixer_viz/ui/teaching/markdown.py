"""The app's Markdown as HTML that stands by itself: no HTML of its own, no address but places of the same page."""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Sequence
from typing import Any

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

_ICON = re.compile(r":material/\w+:\s*")
_COLOUR = re.compile(r":(?:blue|red|green|orange|violet|gray|grey|rainbow|small)(?:-background)?\[([^\]]*)\]")


def to_html(text: str) -> str:
    """Paragraphs, lists, tables and formulas."""
    return str(_reader().render(_plain(text)))


def to_inline_html(text: str) -> str:
    """One line: of a cell, a label or a heading."""
    return str(_reader().renderInline(_plain(text)))


def anchor_of(title: str) -> str:
    """The place of a heading in the page, as the app names it."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _plain(text: str) -> str:
    return _COLOUR.sub(r"\1", _ICON.sub("", text))


@functools.lru_cache(maxsize=1)
def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    reader.use(dollarmath_plugin, allow_digits=True, renderer=_formula)
    reader.add_render_rule("link_open", _link_open)
    reader.add_render_rule("link_close", _link_close)
    reader.disable("image")
    return reader


def _formula(latex: str, options: dict[str, Any]) -> str:
    is_block = bool(options.get("display_mode"))
    try:
        made: str = convert(latex, display="block" if is_block else "inline")
    except Exception:  # it reads a part of LaTeX only, and says so in many ways
        return f"<code>{html.escape(latex)}</code>"
    return made


def _link_open(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    target = str(tokens[index].attrGet("href") or "")
    return f'<a href="{html.escape(target, quote=True)}">' if target.startswith("#") else "<span>"


def _link_close(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    opened = next(token for token in reversed(tokens[:index]) if token.type == "link_open")
    return "</a>" if str(opened.attrGet("href") or "").startswith("#") else "</span>"
