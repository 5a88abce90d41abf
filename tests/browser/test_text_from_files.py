"""Names out of files, on every page: no request, no link, no markup; and they can be read as they were written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

pytest.importorskip("playwright", exc_type=ImportError)

from PIL import Image
from playwright.sync_api import expect

from mixer_viz.checkpoints import save_model
from mixer_viz.model import MixerConfig, MlpMixer
from tests.browser.looking import TIMEOUT, idle, keyed
from tests.made_images import encode

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Visit = Callable[..., "Page"]
ADDRESS = "192.0.2.1"  # reserved for documentation: nobody is there
NAMES = (
    f"![x](http://{ADDRESS}/a.png)",
    f"[x](http://{ADDRESS}/link)",
    f"http://{ADDRESS}/bare",
    "__background__",
    "*emphasis*",
    "line\n# Title",
    "<b>bold</b>",
    "\ud800",
    ":red[red] :smile:",
    f'<img src="http://{ADDRESS}/b.png"> $x^2$ `code`',
)
SEEN = tuple(name.replace("\n", r"\n").replace("\ud800", r"\ud800") for name in NAMES)
FILE = "<b>__file__</b> [x](y) *a*"
VIEWS = {"Activations, layer by layer": "view", "Token mixers compared": "part"}
WORD_JOINER = "\u2060"
# Names of what a browser would have made of them.
MADE = {"background", "emphasis", "Title", "bold", "code", "red", "file", "a"}
FOUND = """([address, made]) => {
  const found = [], all = [document];
  for (const root of all) {
    for (const element of root.querySelectorAll('*')) {
      if (element.shadowRoot) all.push(element.shadowRoot);
      for (const name of ['href', 'src', 'xlink:href'])
        if ((element.getAttribute(name) || '').includes(address)) found.push(element.outerHTML);
      const bold = /^(B|STRONG|I|EM|DEL|CODE|H[1-6])$/i.test(element.tagName)
        || /font-weight: *bold/.test(element.getAttribute('style') || '');
      if (bold && made.includes(element.textContent.trim())) found.push(element.outerHTML);
      if (/katex/.test(element.getAttribute('class') || '') && element.textContent.includes('x^2'))
        found.push(element.outerHTML);
    }
  }
  return found;
}"""


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    config = MixerConfig(
        image_size=16,
        patch_size=4,
        embed_dim=8,
        num_blocks=2,
        tokens_mlp_dim=6,
        channels_mlp_dim=8,
        num_classes=len(NAMES),
        class_names=NAMES,
    )
    torch.manual_seed(0)
    path = Path(tmp_path_factory.mktemp("weights"), "own.safetensors")
    save_model(MlpMixer(config).eval(), path)
    return path.read_bytes()


def upload(page: Page, key: str, name: str, data: bytes) -> None:
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    keyed(page, key).locator("input[type=file]").set_input_files(file)


def each_view(page: Page) -> Iterator[str]:
    """Every page, and every view of those that have some."""
    links = page.get_by_test_id("stSidebarNavLink")
    for number in range(links.count()):
        name = links.nth(number).inner_text()
        links.nth(number).click()
        expect(page.locator("h1").last).to_be_visible(timeout=TIMEOUT)
        page.wait_for_timeout(500)
        idle(page)
        radios = keyed(page, VIEWS[name]).get_by_role("radio") if name in VIEWS else None
        for place in range(radios.count() if radios else 1):
            if radios:
                radios.nth(place).click()
                page.wait_for_timeout(500)
                idle(page)
            yield f"{name}, {place}"


def texts_of(page: Page) -> str:
    text: str = page.evaluate("document.body.innerText")
    return text.replace(WORD_JOINER, "")


def test_names_of_files_are_text_on_every_page(visit: Visit, weights: bytes) -> None:
    page = visit()
    idle(page)
    upload(page, "weights_file", f"{FILE}.safetensors", weights)
    expect(page.get_by_text("blocks, 10 classes")).to_be_visible(timeout=TIMEOUT)
    upload(page, "picture_file", f"{FILE}.png", encode(Image.new("RGB", (40, 30), "teal"), "PNG"))
    page.wait_for_timeout(500)
    idle(page)
    read, seen_on = "", []
    for view in each_view(page):
        assert page.evaluate(FOUND, [ADDRESS, sorted(MADE)]) == [], view
        expect(page.get_by_test_id("stAlert").get_by_text(re.compile("went wrong"))).to_have_count(0)
        text = texts_of(page)
        read += text
        seen_on += [view] * any(name in text for name in SEEN)
    assert [name for name in (*SEEN, FILE) if name not in read] == []
    assert len(seen_on) >= 7, seen_on  # it was looked for where it is


def test_an_error_that_quotes_a_file_is_text(visit: Visit, tmp_path: Path) -> None:
    page = visit()
    idle(page)
    upload(page, "weights_file", f"{FILE}.docx", b"no checkpoint")
    page.wait_for_timeout(500)
    idle(page)
    bad = tmp_path / "bad.pth"
    torch.save({name: torch.zeros(1) for name in NAMES if name.isprintable()}, bad)
    upload(page, "weights_file", f"{FILE}.pth", bad.read_bytes())
    expect(page.get_by_test_id("stAlert")).to_have_count(1, timeout=TIMEOUT)
    idle(page)
    assert page.evaluate(FOUND, [ADDRESS, sorted(MADE)]) == []
