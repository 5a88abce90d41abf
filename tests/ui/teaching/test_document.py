"""One file with all in it: nothing is fetched, whatever comes out of files is text, and it stays small enough."""

from __future__ import annotations

import base64
import gzip
import re

import numpy as np
import plotly.graph_objects as go
import plotly.offline
import pytest

from mixer_viz.ui.teaching import document
from mixer_viz.ui.teaching.charts import chart_html, packed_plotly
from mixer_viz.ui.teaching.document import Document, Question, TooLargeError, task_list
from mixer_viz.ui.teaching.report_tools import questions_of

HOSTILE = "</title></script><script>alert(1)</script><img src=//example.org/x>"
FETCHES = re.compile(r"""(?:src|srcset|action|data|poster)\s*=\s*["']?(?!data:)|url\(|@import|<link|<base|<iframe""")


def around_scripts(html: str) -> str:
    """What the file has besides scripts, whose text fetches nothing (the policy forbids it as well)."""
    return re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)


def test_nothing_is_fetched_and_everything_is_text() -> None:
    made = Document(
        title=HOSTILE,
        facts={HOSTILE: HOSTILE},
        body="<p>body</p>" + task_list([Question(HOSTILE, HOSTILE), Question("b", options=(HOSTILE,))]),
        link="https://example.org/?t_task=<script>",
        note=HOSTILE,
        answers=[HOSTILE, ""],
    ).render()
    html = made.decode()
    assert not FETCHES.search(around_scripts(html).replace(document.html.escape(HOSTILE), ""))
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "default-src 'none'" in html


def test_answers_come_on_a_sheet_of_their_own() -> None:
    asked = questions_of("One?\n\nTwo?", "1\n2")
    html = Document("T", {}, task_list(asked), answers=[each.answer for each in asked]).render().decode()
    assert html.index("<h2>Tasks</h2>") < html.index("Two?") < html.index('class="answers"') < html.index("<li>1</li>")
    assert re.search(r"\.answers \{ break-before: page", html)
    assert 'class="answers"' not in Document("T", {}, "", answers=["", ""]).render().decode()


def test_tasks_and_answers_belong_together_line_by_line() -> None:
    assert questions_of("a\n\nb\n", "x") == [Question("a", "x"), Question("b", "")]
    assert questions_of("", "x") == []
    assert len(questions_of("\n".join("abcdefghijklmnopqrstuvwxyz"), "")) == 20


def test_a_file_beyond_the_bound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_BYTES", 50_000)
    Document("T", {}, "x" * 1_000).render()
    with pytest.raises(TooLargeError):
        Document("T", {}, "x" * 50_000).render()


def test_plotly_comes_along_once_and_only_for_charts() -> None:
    with_charts = Document("T", {}, "", has_charts=True).render().decode()
    assert with_charts.count(packed_plotly()) == 1
    assert len(Document("T", {}, "").render()) < 40_000
    unpacked = gzip.decompress(base64.b64decode(packed_plotly())).decode()
    assert unpacked == plotly.offline.get_plotlyjs()


def test_a_chart_has_its_numbers_as_a_table() -> None:
    figure = go.Figure(go.Scatter(x=np.arange(3.0), y=np.array([0.5, -1.0, 2.0]), name="curve"))
    figure.update_layout(xaxis_title="block", yaxis_title="share")
    html = chart_html(figure.to_json(), "An alternative")
    assert "<th>block</th><th>share</th>" in html
    assert "<td>1</td><td>−1</td>" in html
    assert 'aria-label="An alternative"' in html


def test_names_in_a_chart_are_text() -> None:
    figure = go.Figure(go.Bar(x=[1.0], y=[0], hovertext=["&#60;script&#62;alert(1)&#60;/script&#62;"]))
    html = chart_html(figure.to_json(), HOSTILE)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
