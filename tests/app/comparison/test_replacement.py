"""The page "Token mixers compared": token mixing swapped at run time in the Mixer of the sidebar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from mixer_viz.analysis.replacement.moments import Calibration, calibrate
from mixer_viz.analysis.replacement.replace import (
    KINDS,
    Kind,
    Replacement,
    explained_here,
    fit_replacement,
    replaced_logits,
)
from mixer_viz.checkpoints import bundled
from mixer_viz.images import preprocess, samples
from mixer_viz.model import MlpMixer
from mixer_viz.texts.replacement import KIND_NAMES
from tests.app.attribution.driving import checkpoint, sentence
from tests.app.comparison.driving import SWAPPED, check, made_assets, open_page, table
from tests.app.driving import numbers, panel, panel_is_there, upload_weights

Make = Callable[..., MlpMixer]
BLOCKS = (1, 4)  # counted from 0


@pytest.fixture(autouse=True)
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without networks to compare the page has this part alone."""
    monkeypatch.setattr(bundled, "ASSETS_DIR", made_assets(tmp_path))


def calibration_of(model: MlpMixer) -> Calibration:
    found = [preprocess(samples.load_sample(photo.name), model) for photo in samples.reference_photos()]
    return calibrate(model, torch.cat(found))


@pytest.fixture(scope="module")
def calibration(model: MlpMixer) -> Calibration:
    return calibration_of(model)


def open_replacement(kind: Kind, blocks: tuple[int, ...] = BLOCKS, **query: str) -> AppTest:
    names = [str(block + 1) for block in blocks]
    return check(open_page(SWAPPED, swap_kind=KIND_NAMES[kind], swap_blocks=names, **query))


def expect_replaced(app: AppTest, model: MlpMixer, replacements: Mapping[int, Replacement]) -> None:
    """Answers and R² are those of the library for the cat."""
    pixels = preprocess(samples.load_sample("cat"), model)
    after = torch.from_numpy(replaced_logits(model, pixels, replacements)).double().softmax(dim=0).numpy()
    before = model(pixels)[0].double().softmax(dim=0).numpy()
    names = model.config.class_names
    assert names is not None
    answers = table(app, "change")
    best = [names.index(name) for name in answers["class"]]
    assert best[0] == after.argmax()
    shown = [float(value.removesuffix(" %")) for value in answers["probability"]]
    np.testing.assert_allclose(shown, 100 * after[best], atol=0.06)
    changes = [float(value.removesuffix(" points").replace("−", "-")) for value in answers["change"]]
    np.testing.assert_allclose(changes, 100 * (after - before)[best], atol=0.06)
    explained = table(app, "explained on this picture")
    assert explained["block"] == [str(block + 1) for block in replacements]
    here = explained_here(model, pixels, replacements)
    for row, (block, replacement) in enumerate(replacements.items()):
        for column, wanted in (("on five sample photos", replacement.explained), ("on this picture", here[block])):
            found = float(explained[f"explained {column}"][row].removesuffix(" %"))
            assert found == pytest.approx(100 * wanted, abs=0.06)
        factor = explained["factor"][row]
        assert (
            factor == "–"
            if replacement.factor is None
            else float(factor) == pytest.approx(replacement.factor, abs=6e-4)
        )


@pytest.mark.parametrize("kind", KINDS)
def test_every_stand_in(kind: Kind, model: MlpMixer, calibration: Calibration) -> None:
    app = open_replacement(kind)
    assert app.button_group(key="swap_kind").value == KIND_NAMES[kind]
    assert app.multiselect(key="swap_blocks").value == [str(block + 1) for block in BLOCKS]
    expect_replaced(app, model, {block: fit_replacement(calibration, block, kind) for block in BLOCKS})
    assert panel_is_there(app, "swap-kernels") == (kind == "convolution")
    assert sentence(app, f"{KIND_NAMES[kind]} in blocks 2, 5")


@pytest.mark.parametrize("side", [1, 5, 15])
def test_kernel_of_a_link_and_its_weights(side: int, model: MlpMixer, calibration: Calibration) -> None:
    app = open_replacement("convolution", swap_kernel=f"{side} × {side}")
    sides = range(1, 2 * model.config.grid_size, 2)
    assert app.selectbox(key="swap_kernel").options == [f"{each} × {each}" for each in sides]
    replacements = {block: fit_replacement(calibration, block, "convolution", kernel_size=side) for block in BLOCKS}
    expect_replaced(app, model, replacements)
    for grid, replacement in zip(panel(app, "swap-kernels")["grids"], replacements.values(), strict=True):
        assert replacement.kernel is not None
        np.testing.assert_allclose(numbers(grid).reshape(side, side), replacement.kernel, rtol=1e-3, atol=1e-5)


def test_another_kernel_and_another_seed(model: MlpMixer, calibration: Calibration) -> None:
    app = open_replacement("convolution", (3,))
    assert app.selectbox(key="swap_kernel").value == "3 × 3"
    app.selectbox(key="swap_kernel").select("7 × 7").run()
    expect_replaced(check(app), model, {3: fit_replacement(calibration, 3, "convolution", kernel_size=7)})
    app.button_group(key="swap_kind").set_value(KIND_NAMES["random"]).run()
    app.number_input(key="swap_seed").set_value(11).run()
    expect_replaced(check(app), model, {3: fit_replacement(calibration, 3, "random", seed=11)})
    assert not any(box.key == "swap_kernel" for box in app.selectbox)


def test_all_blocks_in_any_order_and_none(model: MlpMixer, calibration: Calibration) -> None:
    every = range(model.config.num_blocks)
    app = open_replacement("shift", tuple(reversed(every)))
    expect_replaced(app, model, {block: fit_replacement(calibration, block, "shift") for block in every})
    app.multiselect(key="swap_blocks").set_value([]).run()
    assert "Choose at least one block." in [info.value for info in check(app).info]
    assert not any("explained on this picture" in each.value.columns for each in app.table)
    app.multiselect(key="swap_blocks").set_value(["1"]).run()
    expect_replaced(check(app), model, {0: fit_replacement(calibration, 0, "shift")})


def test_a_stand_in_leaves_the_shared_model_as_it_was(model: MlpMixer) -> None:
    app = open_replacement("random")
    pixels = preprocess(samples.load_sample("cat"), model)
    (before,) = [each.value for each in app.table if list(each.value.columns) == ["class", "probability"]]
    probabilities = model(pixels)[0].softmax(dim=0).sort(descending=True).values
    shown = [float(value.removesuffix(" %")) for value in before["probability"]]
    np.testing.assert_allclose(shown, 100 * probabilities[: len(shown)], atol=0.06)


def test_another_model_with_fewer_blocks_and_patches(make_model: Make, tmp_path: Path) -> None:
    app = open_replacement("convolution", (6, 7), swap_kernel="15 × 15")
    own = make_model(class_names=tuple(f"thing {number}" for number in range(10)))
    upload_weights(app, "own.safetensors", checkpoint(own, tmp_path))
    check(app)
    chosen = [int(block) - 1 for block in app.multiselect(key="swap_blocks").value]
    assert set(chosen) <= set(range(own.config.num_blocks))
    assert app.selectbox(key="swap_kernel").value in app.selectbox(key="swap_kernel").options
    side = int(app.selectbox(key="swap_kernel").value.split()[0])
    assert side < 2 * own.config.grid_size
    calibration = calibration_of(own)
    replacements = {block: fit_replacement(calibration, block, "convolution", kernel_size=side) for block in chosen}
    expect_replaced(app, own, replacements)


@pytest.mark.parametrize("changes", [{"patch_size": 8}, {"num_blocks": 1}, {"num_classes": 1}, {"embed_dim": 1}])
@pytest.mark.parametrize("kind", KINDS)
def test_own_checkpoint_of_extreme_sizes(kind: Kind, changes: dict[str, int], make_model: Make, tmp_path: Path) -> None:
    """A single patch, block, class or channel."""
    own = make_model(class_names=None, **changes)
    app = open_page(SWAPPED, swap_kind=KIND_NAMES[kind], swap_blocks=["8"], swap_kernel="5 × 5")
    upload_weights(app, "own.safetensors", checkpoint(own, tmp_path))
    check(app)
    assert len(table(app, "explained on this picture")["block"]) == 1


def test_link_full_of_nonsense() -> None:
    app = check(open_page(SWAPPED, swap_kind="?", swap_blocks=["0", "x", "99"], swap_kernel="4 × 4", swap_seed="-1"))
    assert app.button_group(key="swap_kind").value == KIND_NAMES[KINDS[0]]
    assert set(app.multiselect(key="swap_blocks").value) <= set(app.multiselect(key="swap_blocks").options)
    app.button_group(key="swap_kind").set_value(KIND_NAMES["convolution"]).run()
    assert app.selectbox(key="swap_kernel").value in app.selectbox(key="swap_kernel").options
    check(app)
