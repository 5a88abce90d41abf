"""Cached results belong to one picture and one model, however alike two of them are."""

from __future__ import annotations

import io
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
import torch
from PIL import Image

import mixer_viz as mv
from mixer_viz.analysis import overview
from mixer_viz.checkpoints import save_model
from mixer_viz.model import MlpMixer
from mixer_viz.ui.activations import results as activation_results
from mixer_viz.ui.choices import Choice, ChosenModel, Picture, UploadedWeights
from mixer_viz.ui.compute import cached
from mixer_viz.ui.overview import overview_of
from mixer_viz.ui.patches import filters_of, tokens_of
from mixer_viz.ui.token_mixing import results as token_mixing_results


@pytest.fixture(autouse=True)
def fresh_caches() -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


def made_pictures(side: int) -> list[Picture]:
    """Two pictures that differ in one pixel, in the middle."""
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    other = pixels.copy()
    other[side // 2, side // 2] ^= 255
    pictures = []
    for array in (pixels, other):
        buffer = io.BytesIO()
        Image.fromarray(array).save(buffer, "PNG", compress_level=0)
        pictures.append(Picture.from_upload("same name.png", buffer.getvalue()))
    return pictures


@pytest.fixture
def models(tiny_model: MlpMixer) -> list[ChosenModel]:
    """Two uploads of one name and one architecture, in one of which the embedding is another."""
    chosen = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        model = MlpMixer(tiny_model.config).eval().requires_grad_(False)
        chosen.append(ChosenModel(f"upload:{seed}", "same name.pth", model))
    return chosen


@pytest.mark.parametrize("side", [8, 408, 800])
def test_pictures_that_differ_in_one_pixel_do_not_mix(models: list[ChosenModel], side: int) -> None:
    """From 500,000 numbers on (409 x 409 x 3) Streamlit itself would hash only a sample."""
    first, second = (Choice(models[0], picture) for picture in made_pictures(side))
    previews = [cached.preview_of(choice)[0] for choice in (first, second)]
    if 8 < side <= 480:  # not made smaller, and not under the frame: the pixel shows
        assert (previews[0] != previews[1]).any()
    for choice in (first, second):
        photo = mv.open_image(choice.picture.data)
        assert np.array_equal(cached.crop_of(choice), np.asarray(mv.images.crop_image(photo, choice.model.config)))
        pixels = mv.preprocess(photo, choice.model.model)
        expected = overview.overview_of(mv.trace(choice.model.model, pixels))
        assert np.array_equal(overview_of(choice).embedding, expected.embedding)
        assert np.array_equal(tokens_of(choice).tokenization.embedding, expected.embedding)
    assert first.picture.key != second.picture.key
    if side == 8:
        assert (overview_of(first).embedding != overview_of(second).embedding).any()


def test_models_do_not_mix(models: list[ChosenModel]) -> None:
    picture = made_pictures(8)[0]
    first, second = (Choice(model, picture) for model in models)
    for results in (
        [overview_of(choice).embedding for choice in (first, second)],
        [tokens_of(choice).tokenization.embedding for choice in (first, second)],
        [filters_of(choice.model).values for choice in (first, second)],
    ):
        assert (results[0] != results[1]).any()
    assert np.array_equal(filters_of(first.model).values, models[0].model.stem.weight.permute(0, 2, 3, 1).numpy())


def test_all_pages_read_one_traced_pass(models: list[ChosenModel]) -> None:
    picture, passes = made_pictures(8)[0], []
    for model in models:
        choice = Choice(model, picture)
        logits = model.model(cached.pixels_of(picture, model))[0].double()
        with model.model.stem.register_forward_hook(lambda *_: passes.append(1)):
            overview_of(choice)
            token_mixing_results.jacobian_rows_of(choice, 3)
            activation_results.logit_lens_of(choice)
            activation_results.cka_of(choice, choice)
            assert np.array_equal(cached.answer_of(choice), logits.softmax(dim=0).numpy())
    assert len(passes) == len(models)


def test_a_crop_needs_no_preview(models: list[ChosenModel], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "photo_with_crop", lambda *_: pytest.fail("drawn for nobody"))
    assert cached.crop_of(Choice(models[0], made_pictures(20)[0])).shape == (8, 8, 3)


def test_crops_depend_on_the_model(tiny_model: MlpMixer) -> None:
    large = MlpMixer(replace(tiny_model.config, image_size=16)).eval()
    picture = made_pictures(20)[0]
    shapes = [
        cached.crop_of(Choice(ChosenModel(key, "", model), picture)).shape
        for key, model in (("small", tiny_model), ("large", large))
    ]
    assert shapes == [(8, 8, 3), (16, 16, 3)]


def test_the_second_call_computes_nothing(models: list[ChosenModel], monkeypatch: pytest.MonkeyPatch) -> None:
    choice = Choice(models[0], made_pictures(8)[0])
    first = overview_of(choice)
    monkeypatch.setattr(overview, "overview_of", lambda *_: pytest.fail("computed again"))
    assert np.array_equal(overview_of(choice).embedding, first.embedding)


def test_visitors_at_the_same_time_get_their_own(models: list[ChosenModel]) -> None:
    choices = [Choice(model, picture) for model in models for picture in made_pictures(8)] * 4
    got: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda at=at, choice=choice: got.update({at: overview_of(choice).embedding}))
        for at, choice in enumerate(choices)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for at, choice in enumerate(choices):
        pixels = mv.preprocess(mv.open_image(choice.picture.data), choice.model.model)
        assert np.array_equal(got[at], choice.model.model.embed(pixels)[0].numpy())


def test_results_carry_what_they_say(models: list[ChosenModel]) -> None:
    choice = Choice(models[0], made_pictures(8)[0])
    result = tokens_of(choice)
    assert np.array_equal(result.cells[5], result.crop[2:4, 2:4])  # patch 5: row 1, column 1
    assert result.reconstruction.rank < result.reconstruction.patch_dim  # 6 channels for 12 numbers: something is lost
    assert result.rebuilt_crop.shape == result.crop.shape
    assert cached.preview_of(choice)[1] == (8, 8)
    with Image.open(io.BytesIO(cached.thumbnail_of(choice.picture))) as thumbnail:
        assert thumbnail.format == "WEBP"


def test_uploads_are_told_apart_by_their_bytes(tiny_model: MlpMixer, tmp_path: Path) -> None:
    plain = replace(tiny_model.config, class_names=None)
    nameless = MlpMixer(plain)
    nameless.load_state_dict(tiny_model.state_dict())
    save_model(tiny_model, tmp_path / "a.safetensors")
    save_model(nameless, tmp_path / "b.safetensors")
    uploads = [UploadedWeights("same.safetensors", (tmp_path / f"{name}.safetensors").read_bytes()) for name in "ab"]
    assert uploads[0].key != uploads[1].key
    loaded = [cached.uploaded_model(upload) for upload in uploads]
    assert [model.config.class_names is None for model in loaded] == [False, True]


def test_side_file_is_part_of_the_key() -> None:
    sides = [None, b"{}", b'{"mean": [0, 0, 0]}']
    assert len({UploadedWeights("x.pth", b"weights", side).key for side in sides}) == 3


def test_unknown_settings_are_told(tiny_model: MlpMixer) -> None:
    assert ChosenModel("key", "full.pth", tiny_model).unknowns() == ""
    assert ChosenModel("key", "full.pth", tiny_model).class_name(3) == "class 3"
    bare = replace(tiny_model.config, mean=None, std=None, class_names=None)
    chosen = ChosenModel("key", "bare.pth", MlpMixer(bare))
    assert chosen.unknowns().startswith("bare.pth")
    assert "class names" in chosen.unknowns()
    assert "crop" not in chosen.unknowns()
    assert chosen.class_name(3) == "class 3"
