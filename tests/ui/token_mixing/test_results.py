"""Cached results of the token-mixing page belong to one model, one picture, one block, one unit and one patch."""

from __future__ import annotations

import copy
import io
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import streamlit as st
import torch
from PIL import Image

import mixer_viz as mv
from mixer_viz.analysis import receptive_field
from mixer_viz.analysis.token_mixing import depth, jacobian, mixing_matrix, unit_effect
from mixer_viz.analysis.token_mixing import weights as token_mixing_weights
from mixer_viz.analysis.token_mixing.convolution import convolution_share
from mixer_viz.analysis.token_mixing.opposing_pairs import best_opposing_cosine, count_distinct
from mixer_viz.checkpoints import snapshots
from mixer_viz.images.samples import available_samples, load_sample, reference_photos
from mixer_viz.model import MixerConfig
from mixer_viz.ui.choices import Choice, ChosenModel, Picture
from mixer_viz.ui.compute import cached as page_caches
from mixer_viz.ui.token_mixing import results as cached
from tests.made_models import block_of, random_model

BUNDLED = "mixer_cifar10"


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    st.cache_data.clear()
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def made_picture(seed: int) -> Picture:
    buffer = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    return Picture.from_upload("same name.png", buffer.getvalue())


@pytest.fixture
def models(tiny_config: MixerConfig) -> list[ChosenModel]:
    """Two uploads of one name and one architecture with other weights."""
    made = [random_model(tiny_config, torch.float32, seed).requires_grad_(False) for seed in (1, 2)]
    return [ChosenModel(f"upload:{at}", "same name.pth", model) for at, model in enumerate(made)]


def pixels_of(choice: Choice) -> torch.Tensor:
    return mv.preprocess(mv.open_image(choice.picture.data), choice.model.model)


OF_A_MODEL: dict[str, Callable[[ChosenModel], np.ndarray]] = {
    "weights": lambda model: cached.weights_of(model)[1].w1,
    "units": lambda model: cached.units_of(model, 1).frequency,
    "opposites": lambda model: cached.opposites_of(model, 1),
    "depth": lambda model: cached.depth_of(model).trained.norm1,
    "meter": lambda model: cached.meters_of(model)[1].residual,
}
ON_A_PICTURE: dict[str, Callable[[Choice], np.ndarray]] = {
    "activations": lambda choice: cached.on_picture(choice, 1).activations,
    "effects": lambda choice: cached.on_picture(choice, 1).effects,
    "scaled": lambda choice: cached.with_unit_scaled(choice, 1, 2),
    "listening": lambda choice: cached.jacobian_rows_of(choice, 5).image_in,
    "field": lambda choice: cached.receptive_field_of(choice, 5, averaged=False).maps,
    "average": lambda choice: cached.receptive_field_of(choice, 5, averaged=True).maps,
}


@pytest.mark.parametrize("name", OF_A_MODEL)
def test_models_of_one_name_do_not_mix(name: str, models: list[ChosenModel]) -> None:
    first, second = (OF_A_MODEL[name](model) for model in models)
    assert (first != second).any()
    assert np.array_equal(OF_A_MODEL[name](models[0]), first)


@pytest.mark.parametrize("name", ON_A_PICTURE)
def test_pictures_and_models_do_not_mix(name: str, models: list[ChosenModel]) -> None:
    choices = [Choice(model, made_picture(seed)) for model in models for seed in (0, 1)]
    results = [ON_A_PICTURE[name](choice) for choice in choices]
    for at, result in enumerate(results):
        assert [np.array_equal(result, other) for other in results] == [place == at for place in range(4)]
        assert np.array_equal(ON_A_PICTURE[name](choices[at]), result)


def test_blocks_units_and_patches_do_not_mix(models: list[ChosenModel]) -> None:
    choice = Choice(models[0], made_picture(0))
    pairs = [
        [cached.units_of(models[0], block).norm1 for block in (0, 1)],
        [cached.opposites_of(models[0], block) for block in (0, 1)],
        [cached.on_picture(choice, block).effects for block in (0, 1)],
        [cached.with_unit_scaled(choice, block, 2) for block in (0, 1)],
        [cached.with_unit_scaled(choice, 1, unit) for unit in (2, 3)],
        [cached.jacobian_rows_of(choice, token).norm_in for token in (5, 6)],
        [cached.receptive_field_of(choice, token, averaged=False).maps for token in (5, 6)],
        [cached.receptive_field_of(choice, 5, averaged=averaged).maps for averaged in (False, True)],
    ]
    for at, (first, second) in enumerate(pairs):
        assert (first != second).any(), at


def test_results_are_those_of_the_analysis(models: list[ChosenModel]) -> None:
    choice = Choice(models[0], made_picture(0))
    model, pixels = choice.model.model, pixels_of(choice)
    traced = mv.trace(model, pixels)
    weights = token_mixing_weights.block_weights(model, 1)
    assert np.array_equal(cached.weights_of(models[0])[1].w2, weights.w2)
    assert len(cached.weights_of(models[0])) == model.config.num_blocks
    assert np.array_equal(cached.units_of(models[0], 1).partner, token_mixing_weights.units_of(weights).partner)
    assert cached.distinct_units(models[0], 1) == count_distinct(weights.w1)
    assert np.array_equal(cached.opposites_of(models[0], 1), best_opposing_cosine(weights.w1))
    wanted = convolution_share(mixing_matrix.linear_mixing(weights), weights.grid)
    assert np.array_equal(cached.meters_of(models[0])[1].kernel, wanted.kernel)
    assert np.array_equal(cached.on_picture(choice, 1).activations, traced.blocks[1].tokens_hidden[0].numpy())
    np.testing.assert_allclose(
        cached.on_picture(choice, 1).effects, unit_effect.unit_effects(model, pixels, 1), rtol=1e-5, atol=1e-7
    )
    listening = jacobian.jacobian_rows(model, traced, 5)
    np.testing.assert_allclose(cached.jacobian_rows_of(choice, 5).norm_out, listening.norm_out, rtol=1e-5)
    field = receptive_field.receptive_field(model, pixels, 5)
    np.testing.assert_allclose(cached.receptive_field_of(choice, 5, averaged=False).maps, field.maps, rtol=1e-4)


def test_scaled_units_are_those_of_a_model_with_a_scaled_column_of_w2(models: list[ChosenModel]) -> None:
    choice = Choice(models[0], made_picture(0))
    for block in (0, 1):
        got = cached.with_unit_scaled(choice, block, 3)
        assert got.shape == (len(cached.FACTORS), choice.model.config.num_classes)
        for factor, probabilities in zip(cached.FACTORS, got, strict=True):
            other = copy.deepcopy(choice.model.model)
            with torch.no_grad():
                block_of(other, block).token_mixing.fc2.weight[:, 3] *= factor
                wanted = other(pixels_of(choice))[0].double().softmax(dim=0).numpy()
            np.testing.assert_allclose(probabilities, wanted, rtol=1e-3, atol=1e-6)
        assert np.abs(got[0] - got[cached.FACTORS.index(1.0)]).max() > 1e-4  # the unit does something


def test_average_is_over_this_picture_and_the_sample_photos_each_once(models: list[ChosenModel]) -> None:
    photos = reference_photos()
    assert 0 < len(photos) < len(available_samples())
    own = made_picture(0)
    model = models[0]
    pictures = [mv.preprocess(load_sample(photo.name), model.model) for photo in photos]
    one_of_them = Picture(photos[0].name, photos[0].title, None)
    for picture, pixels in (
        (own, [pixels_of(Choice(model, own)), *pictures]),
        (one_of_them, pictures),
    ):
        wanted = receptive_field.receptive_field(model.model, torch.cat(pixels), 5)
        got = cached.receptive_field_of(Choice(model, picture), 5, averaged=True)
        np.testing.assert_allclose(got.maps, wanted.maps, rtol=1e-4)


def test_start_is_drawn_anew_where_there_is_no_snapshot(models: list[ChosenModel]) -> None:
    found = cached.depth_of(models[0])
    assert found.start_is_real is False
    wanted = depth.depth_curves(depth.random_start(cached.weights_of(models[0])))
    assert np.array_equal(found.start.norm1, wanted.norm1)


def test_start_of_the_bundled_model_is_its_first_snapshot() -> None:
    saved = snapshots.snapshots_of(BUNDLED)
    if not saved:
        pytest.skip("the bundled model has no snapshots")
    model = ChosenModel(BUNDLED, BUNDLED, mv.load_model(BUNDLED, "cpu"))
    found = cached.depth_of(model)
    assert found.start_is_real is True
    tensors = snapshots.read_snapshot(saved[0])
    last = model.config.num_blocks - 1
    norm = np.linalg.norm(tensors[f"blocks.{last}.token_mixing.fc1.weight"])
    np.testing.assert_allclose(found.start.norm1[last], norm, rtol=1e-5)
    for snapshot in (saved[0], saved[-1]):
        weights = cached.snapshot_weights(BUNDLED, snapshot.label)
        tensors = snapshots.read_snapshot(snapshot)
        assert len(weights) == model.config.num_blocks
        assert np.array_equal(weights[1].w2, tensors["blocks.1.token_mixing.fc2.weight"])


def test_the_second_call_computes_nothing(models: list[ChosenModel], monkeypatch: pytest.MonkeyPatch) -> None:
    choice = Choice(models[0], made_picture(0))
    first = [compute(choice) for compute in ON_A_PICTURE.values()]
    first += [compute(models[0]) for compute in OF_A_MODEL.values()]

    def fail(*_: object, **__: object) -> None:
        pytest.fail("computed again")

    for module, name in (
        (page_caches, "trace"),
        (unit_effect, "logits_with_unit"),
        (receptive_field, "receptive_field"),
        (jacobian, "jacobian_rows"),
        (token_mixing_weights, "block_weights"),
        (token_mixing_weights, "units_of"),
        (cached, "best_opposing_cosine"),
        (depth, "depth_curves"),
        (mixing_matrix, "linear_mixing"),
    ):
        monkeypatch.setattr(module, name, fail)
    again = [compute(choice) for compute in ON_A_PICTURE.values()]
    again += [compute(models[0]) for compute in OF_A_MODEL.values()]
    assert all(one is other or np.array_equal(one, other) for one, other in zip(first, again, strict=True))


def test_visitors_at_the_same_time_get_their_own(models: list[ChosenModel]) -> None:
    choices = [Choice(model, made_picture(seed)) for model in models for seed in (0, 1)]
    alone = {}
    for at, choice in enumerate(choices):
        pixels = pixels_of(choice)
        model = choice.model.model
        alone[at] = (
            unit_effect.unit_effects(model, pixels, 1),
            jacobian.jacobian_rows(model, mv.trace(model, pixels), 5).norm_in,
            receptive_field.receptive_field(model, pixels, 5).maps,
        )
    got: dict[int, tuple[np.ndarray, ...]] = {}

    def visit(number: int, choice: Choice) -> None:
        got[number] = (
            cached.on_picture(choice, 1).effects,
            cached.jacobian_rows_of(choice, 5).norm_in,
            cached.receptive_field_of(choice, 5, averaged=False).maps,
        )

    threads = [threading.Thread(target=visit, args=(at, choices[at % 4])) for at in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(got) == 16
    for number, results in got.items():
        for found, wanted in zip(results, alone[number % 4], strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-6)
    assert all(parameter.grad is None for model in models for parameter in model.model.parameters())
