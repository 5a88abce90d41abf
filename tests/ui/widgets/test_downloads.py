"""Downloads can be read back, without trust in the file."""

from __future__ import annotations

import csv
import io
import time
from concurrent.futures import ThreadPoolExecutor

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mixer_viz.figures.fonts import covers
from mixer_viz.language import current, speaking
from mixer_viz.ui.widgets.downloads import csv_bytes, figure_bytes, npz_bytes, said_as_now


def test_table_survives_commas_quotes_and_other_alphabets() -> None:
    rows = [[0, "tench, Tinca tinca", 0.1], [1, 'a "quoted" name', -2.5e-9], [2, "Katze, кошка, 猫", 1e300]]
    data = csv_bytes(["class", "name", "probability"], rows)
    header, *lines = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert header == ["class", "name", "probability"]
    assert [[int(number), name, float(value)] for number, name, value in lines] == rows


def test_a_spreadsheet_reads_text_as_text() -> None:
    rows = [["=1+1"], ["+49"], ["-"], ["@SUM(A1)"], ["-2.5"], [-2.5], ["+3 %"], ["cat"]]
    data = csv_bytes(["=name"], rows)
    assert data.startswith(b"\xef\xbb\xbf")  # spreadsheets take other UTF-8 for Latin letters
    assert data.decode("utf-8-sig").split("\r\n") == [
        *("'=name", "'=1+1", "+49", "'-", "'@SUM(A1)", "-2.5", "-2.5", "+3 %", "cat", "")
    ]


def test_letters_that_no_font_here_has_stay_text_in_svg() -> None:
    figure = Figure(figsize=(2, 1))
    figure.text(0.1, 0.5, "\U0001f980 \u732b")
    svg = figure_bytes(figure, "svg").decode()
    assert "\u732b" in svg or covers("\u732b")
    plain = Figure(figsize=(2, 1))
    plain.text(0.1, 0.5, "Katze, \u043a\u043e\u0448\u043a\u0430")
    assert "<text" not in figure_bytes(plain, "svg").decode()


def test_figures_of_two_visitors_are_drawn_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """matplotlib has one set of settings: one figure's would reach the other, and stay for good."""
    before, draw, inside, most = dict(matplotlib.rcParams), Figure.savefig, [0], [0]

    def slowly(self: Figure, *what: object, **how: object) -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.05)
        draw(self, *what, **how)
        inside[0] -= 1

    monkeypatch.setattr(Figure, "savefig", slowly)
    texts = ["\U0001f980", "Katze", "\U0001f980", "Katze"]
    with ThreadPoolExecutor(4) as visitors:
        files = list(visitors.map(lambda text: figure_bytes(figure_of(text), "svg").decode(), texts))
    assert most == [1]
    assert ["<text" in file for file in files] == [not covers(text) for text in texts]
    assert dict(matplotlib.rcParams) == before


def figure_of(text: str) -> Figure:
    figure = Figure(figsize=(2, 1))
    figure.text(0.1, 0.5, text)
    return figure


def test_numbers_of_a_table_keep_every_digit() -> None:
    values = np.random.default_rng(0).normal(size=20).astype(np.float32)
    lines = csv_bytes(["x"], [[value] for value in values.tolist()]).decode().split()[1:]
    assert np.array_equal(np.array(lines, np.float32), values)


def test_arrays_come_back_as_they_were() -> None:
    arrays = {"tokens": np.random.default_rng(0).normal(size=(16, 6)).astype(np.float32), "order": np.arange(3)}
    with np.load(io.BytesIO(npz_bytes(arrays)), allow_pickle=False) as loaded:
        assert set(loaded) == set(arrays)
        for name, array in arrays.items():
            assert loaded[name].dtype == array.dtype
            assert np.array_equal(loaded[name], array)


def test_objects_are_refused() -> None:
    with pytest.raises(ValueError, match="pickle"):
        npz_bytes({"names": np.array(["a", None], dtype=object)})


@pytest.mark.parametrize(("kind", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_figures_in_every_format(kind: str, start: bytes) -> None:
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1])
    assert figure_bytes(figure, kind).startswith(start)


def test_png_is_fit_for_print() -> None:
    with Image.open(io.BytesIO(figure_bytes(Figure(figsize=(2, 1)), "png"))) as image:
        assert image.size == (600, 300)
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_a_click_gets_the_language_that_the_page_had() -> None:
    """Streamlit makes the file in a thread of its own, which serves no visit."""
    with speaking("zh"):
        make = said_as_now(lambda: current().encode())
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(make).result() == b"zh"
        assert pool.submit(said_as_now(lambda: current().encode())).result() == b"en"
