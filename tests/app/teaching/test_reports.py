"""A report holds what the page shows: its pictures, numbers and choices, of this visit alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mixer_viz.checkpoints import save_model
from mixer_viz.model import MlpMixer
from mixer_viz.ui.teaching import report_tools
from mixer_viz.ui.teaching.grids import values_of
from tests.app.driving import PAGES, chart, errors, made_picture, numbers, panel, start, upload_picture, upload_weights
from tests.app.teaching.overtaking import overtaken_once
from tests.made_images import encode

Report = Callable[[AppTest], str]
MORE = ("token_mixing", "activations", "attribution", "compared", "learning")


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> Report:
    """Clicks the button and returns the file, which AppTest has no way to download."""
    made: list[bytes] = []
    original = report_tools.page_report

    def page_report(*what: Any) -> bytes:
        made.append(original(*what))
        return made[-1]

    monkeypatch.setattr(report_tools, "page_report", page_report)

    def make(app: AppTest) -> str:
        app.button(key="teach_make").click().run()
        assert errors(app) == []
        assert [each for each in app.get("download_button") if each.key == "teach_report"]
        return made[-1].decode()

    return make


def grids_in(html: str) -> list[dict[str, Any]]:
    found = re.findall(r'<script type="application/json">(\{"title".*?)</script></figure>', html)
    return [json.loads(each) for each in found]


def test_it_has_the_pages_grids_with_their_numbers(report: Report) -> None:
    app = start("patches", token="7")
    html = report(app)
    inside = grids_in(html)
    for key in ("patch-panel", "vector-panel", "matrix-panel", "filter-panel"):
        for grid in panel(app, key)["grids"]:
            (twin,) = [each for each in inside if each["title"] == grid["title"]]
            if "values" in grid and not grid["tile"]:
                values = values_of(twin)
                assert values is not None
                np.testing.assert_allclose(values.ravel(), numbers(grid), rtol=1e-6)
    assert html.count('class="mark"') > 0


def test_it_has_words_tables_charts_and_choices(report: Report) -> None:
    app = start(token="7", show="length")
    html = report(app)
    assert "<h1 " in html
    assert 'id="through-8-blocks"' in html
    assert "Patch (0 to 255, in raster order): <b>7</b>" in html or "in raster order): <b>7</b>" in html
    assert "Pictures show: <b>Length</b>" in html
    assert "<math" in html
    assert "<td>patch embedding</td>" in html
    best = chart(app, "classes")["hovertext"][0]
    assert f"<td>{best}</td>" in html
    assert "<tr><th>Model</th><td>mixer_cifar10</td></tr><tr><th>Picture</th><td>Cat</td></tr>" in html
    assert "PyTorch" in html


@pytest.mark.parametrize("page", ["overview", "patches", *MORE])
def test_every_page_has_one_that_fetches_nothing(page: str, report: Report) -> None:
    PAGES.setdefault(page, f"pages/{page}.py")
    html = report(start(page))
    outside = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!data:|#)""", outside)
    assert "teach_" not in outside
    assert len(html) < 6_000_000
    shown = len(start(page).get("plotly_chart"))
    assert ('id="plotly"' in html) == bool(shown)


def test_the_film_has_one_as_well(report: Report) -> None:
    PAGES["learning"] = "pages/learning.py"
    html = report(start("learning", learn_part="film-of-a-finished-training"))
    assert grids_in(html)


def test_what_is_hidden_is_not_in_it(report: Report) -> None:
    html = report(start(t_hide="one-block-slowly,through-blocks"))
    assert "One vector, then the classes" in html
    assert 'id="one-block-slowly"' not in html
    assert "Tokens before the block" not in html


def test_it_is_made_only_when_asked_for_and_holds_one_run(report: Report) -> None:
    app = start()
    assert not [each for each in app.get("download_button") if each.key == "teach_report"]
    report(app)
    app.number_input(key="token").set_value(9).run()
    assert not [each for each in app.get("download_button") if each.key == "teach_report"]


def test_one_visitors_report_holds_nothing_of_anothers(report: Report) -> None:
    one, other = start(token="11"), start(token="12")
    upload_picture(one, "secret-of-one.png", encode(made_picture(1), "PNG"))
    first, second = report(one), report(other)
    assert "secret-of-one.png" in first
    assert "secret-of-one.png" not in second
    assert "in raster order): <b>11</b>" in first
    assert "in raster order): <b>12</b>" in second


class Found(HTMLParser):
    """Every element with its attributes, as a browser reads the file."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


NAMES = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "![x](http://192.0.2.1/a.png)",
    "[x](http://192.0.2.1/link)",
    '<img src="http://192.0.2.1/b.png" onerror="alert(1)">',
    "$x^2$ *a* `b`",
    '" onload="alert(1)',
)


def test_names_of_a_file_are_text_in_it(make_model: Callable[..., MlpMixer], tmp_path: Path, report: Report) -> None:
    path = tmp_path / "<b>own.safetensors"
    save_model(make_model(class_names=NAMES, num_classes=len(NAMES)), path)
    plain = Found(report(start()))
    app = start()
    upload_weights(app, path.name, path.read_bytes())
    html = report(app)
    hostile = Found(html)
    count = Counter(tag for tag, _ in hostile.tags)
    assert count["script"] <= Counter(tag for tag, _ in plain.tags)["script"]
    assert not any(name.startswith("on") for _, attributes in hostile.tags for name in attributes)
    words = ("alt", "aria-label")  # which are read aloud
    assert not any("192.0.2.1" in str(each[key]) for _, each in hostile.tags for key in set(each) - set(words))
    assert count["b"] <= Counter(tag for tag, _ in plain.tags)["b"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_a_hand_out_has_tasks_with_room_and_answers_at_the_end(report: Report) -> None:
    app = start()
    app.text_area(key="teach_tasks").set_value("What is <this>?\nAnd that?").run()
    app.text_area(key="teach_answers").set_value("A cat").run()
    html = report(app)
    assert html.index("What is &lt;this&gt;?") < html.index('<div class="write">') < html.index('class="answers"')
    assert "<li>A cat</li><li>–</li>" in html


def test_a_run_that_is_overtaken_leaves_the_report_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_tools, "page_report", lambda *_: b"report")
    overtaken_once(monkeypatch, report_tools, "page_report")
    app = start()

    def files() -> list[str]:
        return [each.key for each in app.get("download_button") if each.key == "teach_report"]

    app.button(key="teach_make").click().run()
    assert files() == ["teach_report"]
    app.run()  # whatever else the browser sends takes nothing away
    assert files() == ["teach_report"]


def test_a_report_that_is_too_large_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixer_viz.ui.teaching.document.MAX_BYTES", 1_000)
    app = start()
    app.button(key="teach_make").click().run()
    assert errors(app) == []
    assert any("too much for one file" in each.value for each in app.warning)
    assert not [each for each in app.get("download_button") if each.key == "teach_report"]
