"""Files on their way in and out of a real browser."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from PIL import Image
from playwright.sync_api import expect

from tests.browser.looking import TIMEOUT, canvas, download, go, idle, keyed, pixel, upload

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Visit = Callable[..., "Page"]
Tab = Callable[..., "Page"]
PURPLE = (150, 40, 200)
CELL = (1.5 / 8, 1.5 / 8)  # the middle of a patch that carries no mark


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """One colour that no sample has, so that a single pixel tells whose picture is shown."""
    Image.new("RGB", (320, 240), PURPLE).save(tmp_path / "purple.png")
    return tmp_path / "purple.png"


def wait_for_purple(page: Page, panel: str, index: int) -> None:
    picture = canvas(page, panel, index)
    picture.wait_for()
    page.wait_for_function(
        """([canvas, x, y, wanted]) => {
          const got = canvas.getContext('2d').getImageData(x * canvas.width, y * canvas.height, 1, 1).data;
          return wanted.every((value, i) => Math.abs(value - got[i]) < 6);
        }""",
        arg=[picture.element_handle(), *CELL, list(PURPLE)],
    )


def test_an_uploaded_photo_is_used_on_both_pages(visit: Visit, photo: Path) -> None:
    page = visit()
    idle(page)
    assert max(np.abs(np.subtract(pixel(canvas(page, "front", 1), *CELL), PURPLE))) > 20
    upload(page, "picture_file", photo)
    wait_for_purple(page, "front", 1)
    go(page, 1)
    wait_for_purple(page, "patch-panel", 0)
    go(page, 0)
    wait_for_purple(page, "front", 1)
    someone_else = visit()
    idle(someone_else)
    assert max(np.abs(np.subtract(pixel(canvas(someone_else, "front", 1), *CELL), PURPLE))) > 20
    assert "purple" not in someone_else.content()


def test_a_bad_file_is_one_sentence_and_the_picture_stays(visit: Visit, photo: Path, tmp_path: Path) -> None:
    page = visit()
    idle(page)
    upload(page, "picture_file", photo)
    wait_for_purple(page, "front", 1)
    bad = tmp_path / "bad.png"
    bad.write_text("this is no picture")
    upload(page, "picture_file", bad)
    message = page.get_by_test_id("stAlert")
    expect(message).to_have_count(1, timeout=TIMEOUT)
    expect(message).to_be_visible()
    assert "Traceback" not in message.inner_text()
    assert message.inner_text().strip().endswith(".")
    wait_for_purple(page, "front", 1)


def test_a_bad_checkpoint_is_one_sentence(visit: Visit, tmp_path: Path) -> None:
    page = visit("/patches")
    idle(page)
    bad = tmp_path / "bad.safetensors"
    bad.write_text("this is no checkpoint")
    upload(page, "weights_file", bad)
    expect(page.get_by_test_id("stAlert")).to_have_count(1, timeout=TIMEOUT)
    idle(page)
    expect(keyed(page, "patch-panel").locator("canvas")).to_have_count(4)


def test_downloads_of_the_overview_agree_with_the_page(tab: Tab, tmp_path: Path) -> None:
    page = tab()
    idle(page)
    table = download(page, "overview-csv")
    assert table.suggested_filename == "overview.csv"
    with open(table.path(), newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    with np.load(download(page, "overview-npz").path(), allow_pickle=False) as arrays:
        assert arrays["embedding"].shape == (64, 128)
        assert arrays["top_classes"].tolist() == [int(row["class"]) for row in rows]
        assert arrays["top_probabilities"].tolist() == [float(row["probability"]) for row in rows]
    assert rows[0]["name"] == "cat"
    percent = f"{100 * float(rows[0]['probability']):.1f}"
    expect(keyed(page, "classes").get_by_role("figure", name=re.compile(re.escape(percent)))).to_be_visible()
    with Image.open(download(page, "overview-png").path()) as figure:
        assert figure.format == "PNG"
        assert figure.size == (3300, 2100)


def test_downloads_of_the_patches_follow_the_selection(tab: Tab) -> None:
    page = tab("/patches?token=11")
    idle(page)
    responses = []
    picture = canvas(page, "patch-panel")
    box = picture.bounding_box()
    for token in (11, 0):
        if token != 11:
            picture.click(position={"x": box["width"] / 16, "y": box["height"] / 16})
            expect(page).to_have_url(re.compile("token=0"), timeout=TIMEOUT)
            idle(page)
        with open(download(page, "patches-csv").path(), newline="", encoding="utf-8-sig") as file:
            heading, *rows = csv.reader(file)
        assert str(token) in re.findall(r"\d+", heading[-1])
        responses.append([float(row[-1]) for row in rows])
        with np.load(download(page, "patches-npz").path(), allow_pickle=False) as arrays:
            np.testing.assert_allclose(responses[-1], arrays["embedding"][token] - arrays["bias"], rtol=1e-6)
            assert arrays["filters"].shape == (128, 4, 4, 3)
    assert responses[0] != responses[1]
    assert Path(download(page, "patches-svg").path()).read_bytes()[:5] == b"<?xml"
    assert Path(download(page, "patches-pdf").path()).read_bytes()[:5] == b"%PDF-"
