"""Files on the page "Token mixers compared" with a real browser: a labelled folder of pictures, and downloads."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("playwright", exc_type=ImportError)

from PIL import Image
from playwright.sync_api import expect

import mixer_viz as mv
from mixer_viz.analysis.comparison.token_jacobian import metaformer_jacobian
from mixer_viz.analysis.receptive_field import metaformer_receptive_field
from mixer_viz.analysis.replacement.accuracy import ReplacedAccuracy
from mixer_viz.analysis.replacement.moments import calibrate
from mixer_viz.analysis.replacement.replace import Kind, fit_replacement, replaced_batch
from mixer_viz.checkpoints.metaformer_runs import metaformer_runs
from mixer_viz.images import crop_image
from mixer_viz.images.samples import load_sample, reference_photos
from mixer_viz.model import MlpMixer
from mixer_viz.texts.replacement import accuracy_sentence
from tests.browser.activations.looking import click_patch
from tests.browser.comparison.looking import (
    COSTS,
    PHOTO,
    SWAPPED,
    WORK_TIMEOUT,
    Tab,
    Visit,
    alerts,
    go_to,
    listening_map,
    networks,
    open_part,
)
from tests.browser.looking import TIMEOUT, download, expect_token, idle, keyed, picture_of, upload, wait_for_another

pytestmark = pytest.mark.browser
SENTENCE = re.compile(r"Of [\d,]+ pictures the Mixer gets")


def write_pictures(folder: Path, classes: dict[str, int]) -> Path:
    """So many pictures of noise and ramps in a folder for each class."""
    for place, (name, count) in enumerate(classes.items()):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            random = np.random.default_rng((place, number))
            noise = random.integers(0, 90, (24, 40, 3)) + np.linspace(0, 160, 40).astype(int)[None, :, None]
            Image.fromarray(noise.astype(np.uint8)).save(folder / name / f"{number}.png")
    return folder


def sentence_of(folder: Path, model: MlpMixer, kind: Kind) -> str:
    """What the page should say with the stand-in in the block that it begins with."""
    names, block = list(model.config.class_names or ()), model.config.num_blocks // 2
    samples = torch.cat([mv.preprocess(load_sample(photo.name), model) for photo in reference_photos()])
    replacements = {block: fit_replacement(calibrate(model, samples), block, kind)}
    paths = [path for path in sorted(folder.glob("*/*.png")) if path.parent.name in names]
    pixels = torch.cat([mv.preprocess(Image.open(path), model) for path in paths])
    answers = [logits.argmax(dim=1).numpy() for logits in (model(pixels), replaced_batch(model, pixels, replacements))]
    labels = np.array([names.index(path.parent.name) for path in paths])
    return accuracy_sentence(ReplacedAccuracy(labels, *answers)).replace("**", "")


def test_accuracy_on_an_uploaded_folder(visit: Visit, tmp_path: Path, model: MlpMixer) -> None:
    names = model.config.class_names
    assert names is not None
    folder = write_pictures(tmp_path / "mine", {names[0]: 4, names[3]: 3, "unicorn": 1})
    page = open_part(visit)
    go_to(page, SWAPPED)
    upload(page, "labelled_folder", folder)
    text = page.get_by_text(SENTENCE)
    expect(text).to_have_text(sentence_of(folder, model, "identity"), timeout=WORK_TIMEOUT)
    assert text.inner_text().startswith("Of 7 pictures")
    expect(page.get_by_text("no class of that name: 'unicorn'")).to_be_visible()
    keyed(page, "swap_kind").get_by_role("radio", name="A random matrix").click()  # the folder stays
    expect(page.get_by_text(re.compile("^A random matrix in block"))).to_be_visible(timeout=WORK_TIMEOUT)
    expect(text).to_have_text(sentence_of(folder, model, "random"), timeout=WORK_TIMEOUT)
    assert alerts(page) == []


def test_a_folder_outlives_its_field_until_it_is_forgotten(visit: Visit, tmp_path: Path, model: MlpMixer) -> None:
    names = model.config.class_names
    assert names is not None
    folder = write_pictures(tmp_path / "mine", {names[0]: 2, names[3]: 1})
    page = open_part(visit)
    go_to(page, SWAPPED)
    upload(page, "labelled_folder", folder)
    said = sentence_of(folder, model, "identity")
    expect(page.get_by_text(SENTENCE)).to_have_text(said, timeout=WORK_TIMEOUT)
    go_to(page, PHOTO)
    go_to(page, SWAPPED)
    expect(page.get_by_text("Your folder of 3 files is still here.")).to_be_visible(timeout=WORK_TIMEOUT)
    expect(page.get_by_text(SENTENCE)).to_have_text(said, timeout=WORK_TIMEOUT)
    keyed(page, "forget_folder").get_by_role("button").click()
    expect(page.get_by_text(SENTENCE)).to_have_count(0, timeout=WORK_TIMEOUT)
    assert page.get_by_text("is still here").count() == 0
    upload(page, "labelled_folder", folder)
    expect(page.get_by_text(SENTENCE)).to_have_text(said, timeout=WORK_TIMEOUT)
    keyed(page, "labelled_folder").get_by_role("button", name=re.compile("^(Remove|Delete)")).first.click()
    expect(page.get_by_text("Of 3 pictures")).to_have_count(0, timeout=WORK_TIMEOUT)
    assert alerts(page) == []


def test_folder_with_other_names_is_refused_in_one_sentence(visit: Visit, tmp_path: Path) -> None:
    page = open_part(visit)
    go_to(page, SWAPPED)
    upload(page, "labelled_folder", write_pictures(tmp_path / "mine", {"unicorn": 2, "dragon": 1}))
    error = page.locator("[data-testid=stAlertContentError]")
    expect(error).to_be_visible(timeout=WORK_TIMEOUT)
    idle(page)
    (sentence,) = alerts(page)
    assert sentence.startswith("This model has no class of the name 'dragon', 'unicorn'; name the folders")
    assert page.get_by_text(SENTENCE).count() == 0
    assert str(tmp_path) not in sentence


def test_arrays_follow_a_click_and_can_be_read_back(tab: Tab) -> None:
    """Patch and block that were chosen after the page was drawn."""
    page = open_part(tab)
    side = next(iter(networks().values())).config.grid_size
    click_patch(listening_map(page, 0), 11, side)
    expect_token(page, 11)
    idle(page)
    before = picture_of(listening_map(page, 0))
    keyed(page, "block").locator("input").fill("2")
    keyed(page, "block").locator("input").press("Enter")
    expect(page).to_have_url(re.compile(r"[?&]block=2(&|$)"), timeout=TIMEOUT)
    wait_for_another(page, listening_map(page, 0), before)  # the address is ahead of the server
    idle(page)
    file = download(page, "token-mixers-npz")
    assert file.suggested_filename == "token-mixers.npz"
    with np.load(file.path(), allow_pickle=False) as arrays:
        assert int(arrays["block"]) == 2
        for name, network in networks().items():
            pixels = mv.preprocess(load_sample("cat"), network)
            np.testing.assert_array_equal(arrays["crop"], np.asarray(crop_image(load_sample("cat"), network.config)))
            real = metaformer_jacobian(network, pixels, 1)
            np.testing.assert_allclose(arrays[f"{name}.share"], real.share, atol=1e-4)
            field = metaformer_receptive_field(network, pixels, 11).maps
            np.testing.assert_allclose(arrays[f"{name}.field_of_token_11"], field, atol=1e-3)
            probabilities = network(pixels)[0].softmax(dim=0)
            np.testing.assert_allclose(arrays[f"{name}.probabilities"], probabilities, atol=1e-3)


def test_figure_and_table_can_be_downloaded(tab: Tab) -> None:
    page = open_part(tab)
    with Image.open(download(page, "token-mixers-png").path()) as figure:
        assert figure.format == "PNG"
        assert figure.width > 1000
        assert len(set(figure.convert("RGB").resize((200, 200)).get_flattened_data())) > 100
    page.keyboard.press("Escape")
    go_to(page, COSTS)
    button = page.get_by_test_id("stDownloadButton").get_by_role("button", name="All training runs as CSV")
    with page.expect_download(timeout=TIMEOUT) as caught:
        button.click()
    with open(caught.value.path(), newline="", encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines))
    runs = metaformer_runs()
    assert [row["name"] for row in rows] == [run.name for run in runs]
    for row, run in zip(rows, runs, strict=True):
        assert float(row["accuracy_percent"]) == run.accuracy
        assert [float(row[f"accuracy_after_epoch_{epoch}"]) for epoch, _ in enumerate(run.accuracies, start=1)] == list(
            run.accuracies
        )
