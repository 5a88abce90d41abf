"""A page as one HTML file: it brings along all that it needs, asks for nothing, and is made for A4 paper as well."""

from __future__ import annotations

import base64
import dataclasses
import functools
import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from mixer_viz.language import current, tr
from mixer_viz.language.catalogues import HTML_NAMES
from mixer_viz.ui.teaching.charts import packed_plotly

MAX_BYTES = 16 * 2**20
_FRONTEND = Path(__file__).parents[1] / "frontend"
_LINES_TO_WRITE = 4
# Nothing is fetched, whatever the file holds.
_POLICY = (
    "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; font-src data:"
)


class TooLargeError(ValueError):
    """A report that would have more than MAX_BYTES."""


@dataclasses.dataclass(frozen=True)
class Question:
    """One task of a hand-out, as plain text."""

    text: str
    answer: str = ""
    options: tuple[str, ...] = ()  # to choose from, in place of lines to write on


@dataclasses.dataclass(frozen=True)
class Document:
    """What one file holds; all texts but `body` are plain."""

    title: str
    facts: Mapping[str, str]  # what it is -> in words
    body: str  # HTML
    picture: bytes | None = None  # WebP
    link: str = ""
    answers: Sequence[str] = ()  # on a sheet of their own; empty where a question has none
    note: str = ""  # above the body
    has_charts: bool = False

    def render(self) -> bytes:
        """The file; raises TooLargeError."""
        charts = f'<script type="text/plain" id="plotly">{packed_plotly()}</script>' if self.has_charts else ""
        note = f'<p class="note">{_text(self.note)}</p>' if self.note else ""
        made = (
            f'<!doctype html><html lang="{HTML_NAMES[current()]}"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{_text(self.title)}</title><style>{_style()}</style></head><body>"
            f"{self._top()}{note}<main>{self.body}</main>{_answer_sheet(self.answers)}"
            f"{charts}<script>{_script()}</script></body></html>"
        ).encode("utf-8", "replace")
        if len(made) > MAX_BYTES:
            raise TooLargeError(f"{len(made):,} bytes")
        return made

    def _top(self) -> str:
        rows = "".join(f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in self.facts.items())
        if self.link:
            name = tr("Link")
            rows += f'<tr><th>{_text(name)}</th><td><a href="{_text(self.link)}">{_text(self.link)}</a></td></tr>'
        picture = ""
        if self.picture is not None:
            url = "data:image/webp;base64," + base64.b64encode(self.picture).decode()
            alt = tr("The chosen picture")
            picture = f'<img src="{url}" alt="{_text(alt)}">'
        return f'<header class="top">{picture}<table class="facts">{rows}</table></header>'


def question_html(question: Question, number: int, lines: int = _LINES_TO_WRITE) -> str:
    """One task with room for its answer: boxes to tick, or lines to write on."""
    task = f'<div class="task"><b>{number}.</b> {_text(question.text)}</div>'
    if question.options:
        return (
            task + '<ul class="boxes">' + "".join(f"<li>{_text(option)}</li>" for option in question.options) + "</ul>"
        )
    return task + f'<div class="write">{"<i></i>" * lines}</div>'


def task_list(questions: Sequence[Question]) -> str:
    """The tasks below a page; nothing where there are none."""
    if not questions:
        return ""
    made = "".join(question_html(question, number) for number, question in enumerate(questions, start=1))
    title = tr("Tasks")
    return f'<section class="tasks"><h2>{_text(title)}</h2>{made}</section>'


def _answer_sheet(answers: Sequence[str]) -> str:
    """All answers, on a page of their own; nothing where there are none."""
    if not any(answers):
        return ""
    rows = "".join(f"<li>{_text(answer or '–')}</li>" for answer in answers)
    title = tr("Answers")
    return f'<section class="answers"><h2>{_text(title)}</h2><ol>{rows}</ol></section>'


def _text(text: str) -> str:
    return html.escape(text, quote=True)


@functools.lru_cache(maxsize=1)
def _style() -> str:
    return (_FRONTEND / "report.css").read_text(encoding="utf-8")


@functools.lru_cache(maxsize=1)
def _script() -> str:
    return "".join((_FRONTEND / name).read_text(encoding="utf-8") for name in ("grid_drawing.js", "report.js"))
