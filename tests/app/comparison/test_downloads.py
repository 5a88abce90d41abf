"""The page "Token mixers compared": reordered pictures, downloads, accuracy on a labelled folder."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from mixer_viz.analysis.comparison.token_jacobian import metaformer_jacobian
from mixer_viz.analysis.receptive_field import metaformer_receptive_field
from mixer_viz.analysis.replacement.replace import KINDS, replaced_batch
from mixer_viz.checkpoints import bundled
from mixer_viz.checkpoints.metaformer_runs import metaformer_runs
from mixer_viz.images import ImageError, crop_image, open_image, preprocess
from mixer_viz.images.labelled_folder import LabelledImages
from mixer_viz.images.samples import load_sample
from mixer_viz.model import TOKEN_MIXERS, MlpMixer
from mixer_viz.model.metaformer_config import PERMUTATIONS
from mixer_viz.model.permuted_input import pixel_order
from mixer_viz.texts import comparison as texts
from mixer_viz.ui.choices import ChosenModel, LabelledFolder
from mixer_viz.ui.comparison import replacement_results
from mixer_viz.ui.comparison.downloads import runs_csv
from mixer_viz.ui.comparison.replacement_results import ReplacementChoice
from mixer_viz.ui.widgets import downloads
from tests.app.comparison.driving import (
    COSTS,
    GRID,
    NAMES,
    REORDERED,
    SIZES,
    SWAPPED,
    TOKENS,
    check,
    made_assets,
    network_of,
    open_page,
    pixels_of,
    table,
    texts_of,
    titles,
    write_networks,
)
from tests.app.driving import made_png, panel

WORK_SECONDS = 300.0
MIXERS = ("mlp", "convolution")


@pytest.fixture(autouse=True)
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assets = made_assets(tmp_path)
    write_networks(assets)
    monkeypatch.setattr(bundled, "ASSETS_DIR", assets)


@pytest.fixture
def makers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], Any]]:
    """What the buttons would call, outside of the page, of its latest run."""
    found: dict[str, Callable[[], Any]] = {}

    def row(name: str, figure: Callable[[], Any], arrays: Callable[[], Any], rows: Callable[[], Any]) -> None:
        found.update(figure=figure, arrays=arrays, table=rows)

    monkeypatch.setattr(downloads, "download_row", row)
    return found


def test_reordered_pictures_are_the_networks_own_order() -> None:
    grids = panel(check(open_page(REORDERED)), "permuted-pictures")["grids"]
    assert [grid["title"] for grid in grids] == list(texts.ORDERS.values())
    crop = np.asarray(crop_image(load_sample("cat"), SIZES))
    for grid, permutation in zip(grids, PERMUTATIONS, strict=True):
        order = pixel_order(network_of("mlp", permutation).metaformer_config)
        wanted = crop.reshape(-1, 3)[order].reshape(crop.shape)
        head, _, data = grid["photo"].partition(",")
        assert head == "data:image/png;base64"
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(decode(data)))), wanted)


def test_a_mark_follows_its_patch_to_where_it_went() -> None:
    plain, patches, pixels = panel(check(open_page(REORDERED)), "permuted-pictures")["grids"]
    before, after = (cells_of(grid["photo"]) for grid in (plain, patches))
    assert sorted(patches["ids"]) == list(range(TOKENS))
    for cell, patch in enumerate(patches["ids"]):
        assert sorted(after[cell].reshape(-1, 3).tolist()) == sorted(before[patch].reshape(-1, 3).tolist())
    assert patches["ids"] != sorted(patches["ids"])
    assert pixels["select"] == "none"


def cells_of(photo: str) -> np.ndarray:
    """The patches of a picture in reading order, (S, P, P, 3)."""
    image = np.asarray(Image.open(io.BytesIO(decode(photo.partition(",")[2]))))
    side = SIZES.patch_size
    return image.reshape(GRID, side, GRID, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)


def decode(text: str) -> bytes:
    return base64.b64decode(text)


def test_reordered_runs_beside_the_plain_ones() -> None:
    app = check(open_page(REORDERED))
    shown = table(app, "right at the end")
    assert shown["right at the end"] == titles(("convolution", "mlp"))
    runs = {(run.token_mixer, run.permutation, run.seed): run.accuracy for run in metaformer_runs()}
    for permutation, column in texts.ORDERS.items():
        for name, value in zip(("convolution", "mlp"), shown[column], strict=True):
            assert f"{runs[name, permutation, 0]:.2f}, {runs[name, permutation, 1]:.2f}" in value
    losses = [
        np.mean([runs[name, "none", seed] - runs[name, "patches-and-pixels", seed] for seed in (0, 1)])
        for name in MIXERS
    ]
    said = table(app, "trained on, and shown")
    for name in MIXERS:
        for permutation, answer in zip(PERMUTATIONS, said[TOKEN_MIXERS[name].title], strict=True):
            best = network_of(name, permutation)(pixels_of()).softmax(dim=1)[0].max(dim=0)
            assert answer == f"class {int(best.indices)} {100 * float(best.values):.1f} %"
    assert f"{losses[0]:.1f} against {losses[1]:.1f} points" in texts_of(app)


def test_arrays_hold_what_the_page_shows_for_its_block_and_patch(makers: dict[str, Callable[[], Any]]) -> None:
    check(open_page(block="2", token="5"))
    with np.load(io.BytesIO(downloads.npz_bytes(makers["arrays"]())), allow_pickle=False) as arrays:
        assert int(arrays["block"]) == 2
        np.testing.assert_array_equal(arrays["crop"], np.asarray(crop_image(load_sample("cat"), SIZES)))
        for name in NAMES:
            network, pixels = network_of(name), pixels_of()
            real = metaformer_jacobian(network, pixels, 1)
            for part in ("share", "strength", "same_channel", "attention"):
                wanted = getattr(real, part)
                assert (f"{name}.{part}" in arrays) == (wanted is not None)
                if wanted is not None:
                    np.testing.assert_allclose(arrays[f"{name}.{part}"], wanted, atol=1e-5)
            field = metaformer_receptive_field(network, pixels, 5).maps
            np.testing.assert_allclose(arrays[f"{name}.field_of_token_5"], field, atol=1e-5)
            probabilities = network(pixels)[0].softmax(dim=0)
            np.testing.assert_allclose(arrays[f"{name}.probabilities"], probabilities, atol=1e-5)


def test_runs_can_be_read_back_from_the_table(makers: dict[str, Callable[[], Any]]) -> None:
    check(open_page(COSTS))
    rows = list(csv.DictReader(io.StringIO(runs_csv().decode("utf-8-sig"))))
    for row, run in zip(rows, metaformer_runs(), strict=True):
        assert (row["name"], row["token_mixer"], row["permutation"]) == (run.name, run.token_mixer, run.permutation)
        assert (int(row["seed"]), int(row["parameters"])) == (run.seed, run.parameters)
        assert [float(row[f"accuracy_after_epoch_{epoch}"]) for epoch in (1, 2)] == list(run.accuracies)
        assert "path" not in row


def test_table_says_what_the_page_says_of_every_network(makers: dict[str, Callable[[], Any]]) -> None:
    app = check(open_page(block="2", token="5"))
    answers, areas = table(app, "probability", "says"), table(app, "half in, % of all patches")
    rows = list(csv.DictReader(io.StringIO(makers["table"]().decode("utf-8-sig"))))
    assert [row["token_mixer"] for row in rows] == titles()
    for place, row in enumerate(rows):
        assert row["answer"] == answers["says"][place]
        assert f"{100 * float(row['probability']):.1f} %" == answers["probability"][place]
        assert 0 <= float(row["share_of_patch_5_in_block_2_from_itself"]) <= 1
        half = row["half_of_the_gradient_in_share_of_patches_after_block_2"]
        assert f"{100 * float(half):.1f}" == areas["block 2"][place]


def test_figure_names_networks_patch_and_picture(makers: dict[str, Callable[[], Any]]) -> None:
    app = check(open_page(token=str(TOKENS - 1)))
    app.number_input(key="block").set_value(2).run()
    figure = makers["figure"]()
    words = " ".join(text.get_text() for text in figure.findobj(match=lambda each: hasattr(each, "get_text")))
    assert f"patch {TOKENS - 1} listens to in block 2" in " ".join(words.split())
    assert "Picture: Cat" in " ".join(words.split())
    shown = [image.get_array() for axes in figure.axes for image in axes.images]
    assert sum(array is not None and array.shape == (TOKENS, TOKENS) for array in shown) == len(NAMES)
    assert sum(array is not None and array.shape == (GRID, GRID) for array in shown) == len(NAMES)
    with Image.open(io.BytesIO(downloads.figure_bytes(figure, "png"))) as png:
        assert png.width > 1000
    assert TOKEN_MIXERS["mlp"].title in words


def labelled_in_a_visit(chosen: ChosenModel, folder: LabelledFolder) -> LabelledImages:
    """A folder belongs to one visit, so it is read in one; the second run takes what the first has kept."""

    def script(chosen: object, folder: object) -> None:
        import streamlit as st

        from mixer_viz.images import ImageError
        from mixer_viz.ui.comparison import replacement_results

        found = st.session_state.setdefault("found", [])
        try:
            found.append(replacement_results.labelled_of(chosen, folder))  # type: ignore[arg-type]
        except ImageError as exc:
            found.append(exc)

    app = AppTest.from_function(script, kwargs={"chosen": chosen, "folder": folder}).run().run()
    first, second = app.session_state["found"]
    if isinstance(first, ImageError):
        assert str(first) == str(second)
        raise first
    assert isinstance(first, LabelledImages)
    assert first is second
    return first


def test_stand_ins_can_be_read_back(makers: dict[str, Callable[[], Any]], model: MlpMixer) -> None:
    check(open_page(SWAPPED, swap_kind="Its best convolution", swap_blocks=["3"]))
    with np.load(io.BytesIO(downloads.npz_bytes(makers["arrays"]())), allow_pickle=False) as arrays:
        assert arrays["block_3.kernel"].shape == (3, 3)
        assert arrays["block_3.matrix"].shape == 2 * (model.config.num_patches,)
        assert float(arrays["block_3.explained_on_samples"]) < 1
        before, after = arrays["before"], arrays["after"]
    rows = list(csv.DictReader(io.StringIO(makers["table"]().decode("utf-8-sig"))))
    assert [row["class"] for row in rows] == list(model.config.class_names or ())
    assert {(row["picture"], row["stand_in"], row["blocks"]) for row in rows} == {("Cat", "convolution", "3")}
    np.testing.assert_allclose([float(row["probability_as_it_is"]) for row in rows], before)
    np.testing.assert_allclose([float(row["probability_with_stand_ins"]) for row in rows], after)
    probabilities = model(preprocess(load_sample("cat"), model)).softmax(dim=1)[0]
    np.testing.assert_allclose(before, probabilities.numpy(), atol=1e-6)
    assert np.abs(after - before).max() > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_accuracy_on_a_labelled_folder(kind: str, model: MlpMixer) -> None:
    chosen, asked = ChosenModel("a key", "A Mixer", model), ReplacementChoice(kind, (0, 4, 7), 3, 0)  # type: ignore[arg-type]
    names = model.config.class_names
    assert names is not None
    files = [(f"mine/{names[seed % 3]}/{seed}.png", made_png(seed)) for seed in range(7)]
    files += [("mine/unicorn/0.png", made_png(8)), (f"mine/{names[0]}/notes.png", b"no picture")]
    folder = LabelledFolder(tuple(files))
    labelled = labelled_in_a_visit(chosen, folder)
    assert labelled.labels.tolist() == [seed % 3 for seed in range(7)]
    assert "'unicorn'" in labelled.left_out
    assert "Skipped 1 of 8 files" in labelled.left_out
    job = replacement_results.accuracy_job(chosen, asked, folder.key, labelled)
    found = job.future.result(WORK_SECONDS)
    pixels = torch.cat([preprocess(open_image(made_png(seed)), model) for seed in range(7)])
    replacements = replacement_results.replacements_of(chosen, asked)
    assert found.answers.tolist() == model(pixels).argmax(dim=1).tolist()
    assert found.replaced_answers.tolist() == replaced_batch(model, pixels, replacements).argmax(dim=1).tolist()
    assert replacement_results.accuracy_job(chosen, asked, folder.key, labelled) is job  # not worked out again
    assert job.progress == (7, 7)


def test_folders_are_told_apart_and_wrong_ones_refused(model: MlpMixer) -> None:
    chosen = ChosenModel("a key", "A Mixer", model)
    files = [("mine/cat/0.png", made_png())]
    others = [[("mine/dog/0.png", made_png())], [("mine/cat/0.png", made_png(1))], [*files, *files]]
    keys = {LabelledFolder(tuple(each)).key for each in (files, *others)}
    assert len(keys) == 4
    for wrong, words in (([("mine/unicorn/0.png", made_png())], "'unicorn'"), ([("cat.png", made_png())], "no folder")):
        with pytest.raises(ImageError, match=words):
            labelled_in_a_visit(chosen, LabelledFolder(tuple(wrong)))
