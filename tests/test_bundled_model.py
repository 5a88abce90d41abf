"""The models that come with the project, each against what its card says."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open

import mixer_viz as mv
from mixer_viz.analysis.token_mixing.structure import structure_of
from mixer_viz.checkpoints.bundled import ASSETS_DIR, bundled_models
from mixer_viz.checkpoints.snapshots import STEP, is_coarse, snapshots_of, unpack_rows
from mixer_viz.images.samples import load_sample
from mixer_viz.training.build import build_model
from mixer_viz.training.cards.measure import first_picture, structure_figures
from mixer_viz.training.recipe import Recipe

SIZES = ("image_size", "patch_size", "embed_dim", "num_blocks", "tokens_mlp_dim", "channels_mlp_dim")


def eight_bits(rows: np.ndarray) -> np.ndarray:
    return 0.51 * np.abs(rows).max(axis=1, keepdims=True) / 127


def few_bits(rows: np.ndarray) -> np.ndarray:
    deviation: np.ndarray = 0.505 * STEP * np.sqrt((rows**2).mean(axis=1, keepdims=True))
    return deviation


@dataclasses.dataclass(frozen=True)
class Promise:
    """What is promised of one of them, whatever its card says."""

    name: str
    classes: tuple[str, ...]
    parameters: int  # at most, as the bytes
    file_bytes: int
    accuracy: float  # percent of the test images, at least
    test_images: int
    frequency: float  # mean radial frequency of the units / white noise, at most
    opposed: float  # share of units with an opposing partner, at least
    distinct: float  # share of a block's units left when near-copies count once, at least
    filters: float  # mean radial frequency of the patch-embedding filters / white noise, at most
    moments: int  # of the film, at least
    rounding: Callable[[np.ndarray], np.ndarray]  # of a matrix (rows, columns): how far each row's snapshot may be off


CIFAR10 = Promise(
    "mixer_cifar10",
    ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    parameters=1_500_000,
    file_bytes=4_000_000,
    accuracy=88,
    test_images=10_000,
    frequency=0.52,
    opposed=0.5,
    distinct=0.9,
    filters=0.75,
    moments=14,
    rounding=eight_bits,
)
EVERYDAY = Promise(
    "mixer_everyday",
    (
        *("big cat", "bird", "boat", "bottle", "bridge", "building", "bus or van", "butterfly", "car", "cat"),
        *("clothing", "cup or teapot", "dog", "frog", "fruit", "furniture", "hoofed animal", "ice cream", "insect"),
        *("landscape", "meal", "monkey or ape", "spider", "train"),
    ),
    parameters=3_000_000,
    file_bytes=6_000_000,
    accuracy=68,
    test_images=4_200,
    frequency=0.62,
    opposed=0.15,
    distinct=0.9,
    filters=0.75,
    moments=9,
    rounding=few_bits,
)
SMALL = Promise(
    "small_muon",
    CIFAR10.classes,
    parameters=120_000,
    file_bytes=250_000,
    accuracy=66,
    test_images=10_000,
    frequency=0.6,
    opposed=0.1,
    distinct=0.35,
    filters=0.9,
    moments=7,
    rounding=eight_bits,
)
NOISE = dataclasses.replace(SMALL, name="small_muon_all", frequency=1.0, opposed=0.0)
MODELS = (EVERYDAY, CIFAR10, SMALL, NOISE)


@pytest.fixture(scope="module", params=MODELS, ids=lambda promise: promise.name)
def promise(request: pytest.FixtureRequest) -> Promise:
    found: Promise = request.param
    return found


@pytest.fixture(scope="module")
def model(promise: Promise) -> mv.MlpMixer:
    return mv.load_model(promise.name, device="cpu")


@pytest.fixture(scope="module")
def card(promise: Promise) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((ASSETS_DIR / f"{promise.name}.json").read_text(encoding="utf-8"))
    return card


def read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118 (no mapping)


def snapshot(entry: dict[str, Any]) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """What a file of the film holds for the pages, without the network in few bits."""
    tensors, metadata = read(ASSETS_DIR / entry["file"])
    return {name: value for name, value in tensors.items() if not is_coarse(name)}, metadata


def test_all_of_them_are_tested() -> None:
    assert [promise.name for promise in MODELS] == [model.name for model in bundled_models()]


def test_it_is_small(promise: Promise, model: mv.MlpMixer, card: dict[str, Any]) -> None:
    parameters = sum(parameter.numel() for parameter in model.parameters())
    assert parameters == card["parameters"] <= promise.parameters
    weights = ASSETS_DIR / f"{promise.name}.safetensors"
    assert weights.stat().st_size == card["file_bytes"] <= promise.file_bytes
    assert sum(file.stat().st_size for file in (ASSETS_DIR / f"{promise.name}_snapshots").iterdir()) <= 3_000_000


def test_it_knows_these_classes(promise: Promise, model: mv.MlpMixer, card: dict[str, Any]) -> None:
    assert model.config.class_names == promise.classes == tuple(card["class_names"])


def test_the_structure_is_what_the_card_says(model: mv.MlpMixer, card: dict[str, Any]) -> None:
    structure = structure_of(model)
    assert len(card["structure"]) == 10
    measured = structure_figures(model)
    for name, value in card["structure"].items():
        assert measured[name] == pytest.approx(value, abs=1e-3), name
        assert name == "filter_frequency_ratio" or getattr(structure, name) == pytest.approx(value, abs=1e-3), name


def test_the_mixing_weights_are_far_from_noise(promise: Promise, model: mv.MlpMixer) -> None:
    structure = structure_of(model)
    if promise is NOISE:
        assert 0.85 <= structure.frequency_ratio <= promise.frequency
        return
    assert structure.frequency_ratio <= promise.frequency
    assert structure.block_frequency.max() <= 0.85 * structure.white_noise


def test_the_two_optimisers_are_equally_good_and_differ_in_nothing_else() -> None:
    cards = [json.loads((ASSETS_DIR / f"{each.name}.json").read_text(encoding="utf-8")) for each in (SMALL, NOISE)]
    first, second = ([stage["recipe"] for stage in card["stages"]] for card in cards)
    assert [recipe | {"optimizer": "muon-all"} for recipe in first] == second
    assert abs(cards[0]["accuracy"] - cards[1]["accuracy"]) < 0.5
    assert cards[0]["structure"]["opposed_share"] > 0.1 > cards[1]["structure"]["opposed_share"]


def test_units_oppose_others_and_are_no_copies(promise: Promise, model: mv.MlpMixer) -> None:
    structure = structure_of(model)
    assert structure.opposed_share >= promise.opposed
    assert structure.distinct_units.min() >= promise.distinct * model.config.tokens_mlp_dim


def test_the_filters_of_the_patch_embedding_are_smooth(promise: Promise, model: mv.MlpMixer) -> None:
    assert structure_figures(model)["filter_frequency_ratio"] <= promise.filters


def test_as_many_pictures_as_promised_are_right(promise: Promise, card: dict[str, Any]) -> None:
    assert card["accuracy"] >= promise.accuracy
    counts = card["test_images_per_class"]
    assert list(counts) == list(card["accuracy_per_class"]) == list(promise.classes)
    right = sum(counts[name] * percent / 100 for name, percent in card["accuracy_per_class"].items())
    assert right == pytest.approx(card["correct"], abs=0.0005 * card["test_images"])


def test_it_says_how_sure_it_may_be(model: mv.MlpMixer, card: dict[str, Any]) -> None:
    figures = card["calibration"]
    assert model.config.temperature == figures["temperature"]
    assert list(model.config.usual_confidence or ()) == figures["usual_confidence"]
    assert figures["cross_entropy"] < figures["cross_entropy_before"]
    # Off by the three points that 2,500 validation images are easier or harder than the test images.
    assert figures["mean_confidence"] == pytest.approx(card["accuracy"], abs=3)


def test_the_accuracy_counts_all_test_images(promise: Promise, card: dict[str, Any]) -> None:
    assert card["test_images"] == sum(card["test_images_per_class"].values()) == promise.test_images
    assert card["accuracy"] == pytest.approx(100 * card["correct"] / promise.test_images, abs=0.0051)
    assert card["accuracy"] == pytest.approx(card["accuracy_before_rounding"], abs=0.5)
    listed = next(info for info in mv.available_models() if info.name == promise.name)
    assert (listed.accuracy, listed.num_parameters) == (card["accuracy"], card["parameters"])


def test_the_recipes_in_the_card_build_this_network(promise: Promise, model: mv.MlpMixer, card: dict[str, Any]) -> None:
    recipes = [Recipe(**stage["recipe"]) for stage in card["stages"]]
    trained = dataclasses.replace(model.config, temperature=None, usual_confidence=None)  # which are measured after it
    assert build_model(recipes[-1], promise.classes).config == trained
    for recipe in recipes:  # a stage in which token mixing starts anew may have another D_S than the one before
        same = [name for name in SIZES if not name.endswith("_mlp_dim")]
        assert {name: getattr(recipe, name) for name in same} == {name: getattr(model.config, name) for name in same}
    for before, after in itertools.pairwise(recipes):
        assert after.channels_mlp_dim == before.channels_mlp_dim or after.widen_channel_mixing
    assert card["stages"][-1]["epochs_done"] == card["stages"][-1]["recipe"]["epochs"]
    assert card["stages"][-1]["accuracy"] == card["accuracy_before_rounding"]


def test_the_card_for_people_has_the_same_figures(promise: Promise, card: dict[str, Any]) -> None:
    text = (ASSETS_DIR / f"{promise.name}.md").read_text(encoding="utf-8")
    facts = [
        f"{card['accuracy']:.2f} %",
        f"{promise.test_images} test images",
        *(stage["command"] for stage in card["stages"]),
        card["hardware"],
        card["duration"],
    ]
    facts += [card["data"], card["date"], f"{card['structure']['frequency_ratio']:.3f}"]
    assert [fact for fact in facts if fact not in text] == []


def test_the_app_begins_with_a_picture_that_it_knows(model: mv.MlpMixer, card: dict[str, Any]) -> None:
    assert card["first_picture"] == first_picture(model) != ""


def test_a_photo_of_a_cat(promise: Promise, model: mv.MlpMixer) -> None:
    with torch.no_grad():
        logits = model(mv.preprocess(load_sample("cat"), model))[0]
    assert "cat" in [promise.classes[index] for index in logits.topk(3).indices.tolist()]


def test_the_snapshots_lead_from_the_random_start_to_this_model(
    promise: Promise, model: mv.MlpMixer, card: dict[str, Any]
) -> None:
    places = [(entry["stage"], entry["epoch"]) for entry in card["snapshots"]]
    assert places == sorted(places)
    assert places[-1] == (len(card["stages"]), card["stages"][-1]["epochs_done"])
    state = model.state_dict()
    mixing = {name: value for name, value in state.items() if ".token_mixing." in name or name == "stem.weight"}
    for entry in card["snapshots"]:
        packed, metadata = snapshot(entry)
        assert {name: value.shape for name, value in unpack_rows(packed).items()} == {
            name: value.shape for name, value in mixing.items()
        }
        assert int(metadata["epoch"]) == entry["epoch"]
    last = unpack_rows(snapshot(card["snapshots"][-1])[0])
    for name, value in last.items():
        found, wanted = (each.float().numpy().reshape(len(each), -1) for each in (value, state[name]))
        off = eight_bits if name == "stem.weight" else promise.rounding
        # The file of the model is in half precision.
        assert np.all(np.abs(found - wanted) <= (off(wanted) if value.ndim > 1 else 0) + 2e-3 * np.abs(wanted) + 1e-6)
    assert len(places) >= promise.moments
    first = unpack_rows(snapshot(card["snapshots"][0])[0])
    std = card["stages"][places[0][0] - 1]["recipe"]["token_mixing_std"]
    drawn = torch.cat([value.float().flatten() for name, value in first.items() if name.endswith("fc1.weight")])
    assert places[0][1] == 0
    assert drawn.std().item() == pytest.approx(std, rel=0.02)
    assert not any(value.any() for name, value in first.items() if name.endswith("bias"))


def test_the_bundled_models_networks_are_about_as_good_as_they_were(promise: Promise) -> None:
    moments = snapshots_of(promise.name)
    assert moments[0].says_nothing
    kept = [moment for moment in moments if moment.coarse_accuracy is not None]
    assert len(kept) == 2
    for moment in kept:
        assert moment.whole_accuracy is not None
        assert moment.coarse_accuracy is not None
        assert abs(moment.coarse_accuracy - moment.whole_accuracy) < 5
