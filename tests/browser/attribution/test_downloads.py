"""An uploaded photo on the Attributions page, two methods beside each other, and the files of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from PIL import Image
from playwright.sync_api import expect

import mixer_viz as mv
from mixer_viz.model import MlpMixer
from tests.browser.attribution.looking import ABLATION, PATCH_LOGITS, WORK_TIMEOUT, Visit, finish, open_done
from tests.browser.looking import download, keyed, upload

pytestmark = pytest.mark.browser
METHODS = {"patch_logits": PATCH_LOGITS, "patch_ablation": ABLATION}


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Stripes and a ramp, with a shape that no sample has."""
    across, down = np.meshgrid(np.linspace(0, 255, 96), np.linspace(0, 255, 64))
    picture = np.stack([across, down, 127 + 127 * np.sin(across / 9)], axis=-1).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "stripes.png")
    return tmp_path / "stripes.png"


def test_two_methods_on_an_uploaded_photo_for_another_class(visit: Visit, photo: Path, model: MlpMixer) -> None:
    page = open_done(visit, *METHODS.values())
    pixels = mv.preprocess(Image.open(photo), model)
    best, second = model(pixels)[0].argsort(descending=True)[:2].tolist()
    names = model.config.class_names
    upload(page, "picture_file", photo)
    button = keyed(page, "target_0").locator("button")
    share = 100 * float(model(pixels)[0].softmax(dim=0)[best])
    expect(button).to_have_text(f"{names[best]} {share:.1f} %", timeout=WORK_TIMEOUT)
    keyed(page, "target_1").locator("button").click()
    expect(keyed(page, "map-1").locator("canvas")).to_have_count(1, timeout=WORK_TIMEOUT)
    expect(page.get_by_text(f"the logit of {names[second]} goes from")).to_be_visible(timeout=WORK_TIMEOUT)
    finish(page, 2)
    wanted = {name: mv.attribute(model, pixels, second, name, baseline="mean") for name in METHODS}
    with np.load(download(page, "attributions-npz").path(), allow_pickle=False) as arrays:
        for name, result in wanted.items():
            np.testing.assert_allclose(arrays[f"{name}.patch_map"], result.patch_map, atol=2e-3)
            assert json.loads(str(arrays[f"{name}.settings"]))["target"] == second
    with open(download(page, "attributions-csv").path(), newline="", encoding="utf-8-sig") as table:
        rows = {row["method"]: row for row in csv.DictReader(table)}
    for name, result in wanted.items():
        assert float(rows[name]["total"]) == pytest.approx(result.total, abs=2e-3)
        assert 0 < float(rows[name]["deletion_area"]) < 1
    file = download(page, "attributions-png")
    assert file.suggested_filename == "attributions.png"
    with Image.open(file.path()) as figure:
        assert figure.format == "PNG"
        assert figure.width > 1000
        assert len(set(figure.convert("RGB").resize((200, 200)).get_flattened_data())) > 100
