"""Visitors of two languages at once, by their browsers' wishes, and one who changes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from playwright.sync_api import expect

from tests.browser.looking import TIMEOUT, canvas, idle, keyed, token_field

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Visit = Callable[..., "Page"]
WISHES_CHINESE = "Object.defineProperty(navigator, 'language', { get: () => 'zh-CN' });"
LANGUAGE = "() => document.documentElement.lang"


def test_each_visitor_reads_the_language_of_the_browser(visit: Visit) -> None:
    chinese, english = visit(script=WISHES_CHINESE), visit()
    for page, html, title in ((chinese, "zh-Hans", "从图片到类别"), (english, "en", "From picture to class")):
        expect(page.get_by_role("heading", level=1)).to_have_text(title, timeout=TIMEOUT)
        idle(page)
        assert page.evaluate(LANGUAGE) == html
        assert "lang=" not in page.url
    # A part of the page alone is drawn in the visitor's language too.
    for page, label in ((chinese, re.compile("图块")), (english, re.compile("Patch"))):
        canvas(page, "front", 1).click(position={"x": 10, "y": 10})
        expect(token_field(page)).to_have_value("0", timeout=TIMEOUT)
        expect(keyed(page, "token").get_by_text(label)).to_be_visible()
        expect(keyed(page, "front").get_by_text(label).first).to_be_visible()


def test_a_visitor_changes_the_language_and_keeps_the_rest(visit: Visit) -> None:
    page = visit("/?token=7&image=coffee")
    idle(page)
    keyed(page, "lang").get_by_text("中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("从图片到类别", timeout=TIMEOUT)
    idle(page)
    expect(page).to_have_url(re.compile(r"lang=zh"))
    expect(token_field(page)).to_have_value("7")
    expect(keyed(page, "image").locator("input").first).to_have_value("一杯咖啡", timeout=TIMEOUT)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("从图片到类别", timeout=TIMEOUT)
    keyed(page, "lang").get_by_text("English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("From picture to class", timeout=TIMEOUT)
    expect(keyed(page, "image").locator("input").first).to_have_value("Cup of coffee", timeout=TIMEOUT)
