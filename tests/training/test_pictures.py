"""Sets of pictures in memory: divided evenly, refused where nothing can be learned, stepped as in the command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import mixer_viz as mv
from mixer_viz.training.cli import main
from mixer_viz.training.data.drawn import DRAWN_TASKS
from mixer_viz.training.data.labelled import DataError, find_data
from mixer_viz.training.data.memory import mirrored
from mixer_viz.training.data.pictures import (
    _CIFAR10_NAMES,
    PictureSet,
    _stacked,
    divided,
    find_cifar10,
    read_cifar10,
)
from mixer_viz.training.live.presets import AUGMENTATIONS, check_size, live_recipe, recipe_with
from mixer_viz.training.live.session import LiveTraining

CPU = torch.device("cpu")
SIZES = {"embed_dim": 8, "num_blocks": 1, "tokens_mlp_dim": 4, "channels_mlp_dim": 8, "batch_size": 4}


def images(counts: list[int]) -> tuple[list[np.ndarray], np.ndarray]:
    """So many pictures of each class; the first pixel is the class, the second the picture's number in it."""
    made, labels = [], []
    for label, count in enumerate(counts):
        for number in range(count):
            picture = np.full((32, 32, 3), 100, np.uint8)
            picture[0, 0, 0], picture[0, 0, 1] = label, number
            made.append(picture)
            labels.append(label)
    return made, np.array(labels)


def test_every_fifth_of_each_class_is_held_out_and_labels_stay_right() -> None:
    pictures = divided(*images([10, 25, 7]), ["a", "b", "c"], "Mine")
    (train, train_labels), (test, test_labels) = pictures.train, pictures.test
    assert train.shape[1:] == test.shape[1:] == (3, 32, 32)
    assert test_labels.bincount().tolist() == [2, 5, 2]
    assert train_labels.bincount().tolist() == [8, 20, 5]
    for pixels, labels in (pictures.train, pictures.test):
        assert torch.equal(pixels[:, 0, 0, 0].long(), labels)
    seen = {(int(p[0, 0, 0]), int(p[1, 0, 0])) for p in torch.cat([train, test])}
    assert len(seen) == 42  # none twice, none lost
    assert pictures.chance == pytest.approx(5 / 9)
    again = divided(*images([10, 25, 7]), ["a", "b", "c"], "Mine")
    assert torch.equal(again.test[0], test)


@pytest.mark.parametrize(
    ("counts", "names", "words"),
    [
        ([9], ["a"], "one class, 'a'"),
        ([], [], "0 classes"),
        ([5, 4], ["a", "b"], "Class 'b' has 4 readable pictures"),
    ],
)
def test_what_cannot_be_learned_is_refused(counts: list[int], names: list[str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        divided(*images(counts), names, "Mine")


def test_a_batch_must_fit() -> None:
    pictures = divided(*images([5, 5]), ["a", "b"], "Mine")
    with pytest.raises(DataError, match="8 pictures to learn from do not fill a batch of 16"):
        live_recipe(pictures, steps=500, augmentation="none", batch_size=16)


def tree(root: Path, count: int) -> Path:
    generator = np.random.default_rng(0)
    for part in ("train", "test"):
        for label, name in enumerate(_CIFAR10_NAMES):
            (root / part / name).mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                pixels[0, 0] = label
                Image.fromarray(pixels).save(root / part / name / f"{number}.png")
    return root


def test_cifar10_is_found_where_the_setting_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIXER_VIZ_DATA", f"{tmp_path / 'nowhere'}:{tmp_path / 'there'}")
    assert find_cifar10() is None
    tree(tmp_path / "there", 3)
    found = find_cifar10()
    assert found == tmp_path / "there"
    pictures = read_cifar10(found)
    assert pictures.class_names == _CIFAR10_NAMES
    for pixels, labels in (pictures.train, pictures.test):
        assert labels.bincount().tolist() == [3] * 10
        assert torch.equal(pixels[:, 0, 0, 0].long(), labels)
        assert labels.tolist() != sorted(labels.tolist())
    next((tmp_path / "there" / "train" / "cat").iterdir()).write_bytes(b"no picture")
    with pytest.raises(DataError, match="cannot be read"):
        read_cifar10(found)


@pytest.mark.parametrize("augmentation", list(AUGMENTATIONS))
def test_steps_are_those_of_the_training_command(tmp_path: Path, augmentation: str) -> None:
    data = find_data(str(tree(tmp_path / "data", 2)), tmp_path, 0)
    parts = []
    for files in (data.train, data.test):
        pixels = [np.asarray(Image.open(path).convert("RGB")) for path in files.images]
        parts.append(_stacked(pixels, np.array(files.labels)))
    pictures = PictureSet("folder", "Mine", "", data.class_names, *parts)
    recipe = live_recipe(pictures, steps=10, augmentation=augmentation, **SIZES)
    assert (recipe.epochs, pictures.steps_per_epoch(4)) == (2, 5)
    training = LiveTraining(recipe, pictures, CPU)
    assert training.num_steps == 10
    training.advance(10)
    defaults = recipe.__class__().as_dict()
    options = []
    for name, value in recipe.as_dict().items():
        if value != defaults[name]:
            word = name.replace("_", "-")
            options.append(f"--{'' if value else 'no-'}{word}" if isinstance(value, bool) else f"--{word}={value}")
    out = tmp_path / "run"
    assert (
        main([f"--data={tmp_path / 'data'}", f"--out={out}", "--quiet", "--workers=0", "--device=cpu", *options]) == 0
    )
    trained = mv.load_model(out / "model.safetensors", device="cpu").state_dict()
    for name, value in training.averaged_model.state_dict().items():
        assert torch.equal(trained[name], value), name


def test_half_of_the_pictures_are_mirrored() -> None:
    pictures = torch.arange(64).reshape(64, 1, 1, 1).expand(64, 1, 2, 3) * 10 + torch.arange(3)
    flipped = mirrored(pictures, True, torch.Generator().manual_seed(0))
    turned = (flipped != pictures).any(dim=(1, 2, 3))
    assert 16 < int(turned.sum()) < 48
    assert torch.equal(flipped[turned], pictures[turned].flip(3))
    assert mirrored(pictures, False, torch.Generator()) is pictures


def test_a_step_that_is_too_large_is_refused() -> None:
    large = recipe_with(patch_size=2, embed_dim=128, num_blocks=4, tokens_mlp_dim=128, channels_mlp_dim=256)
    with pytest.raises(ValueError, match=r"A step of these settings has 19\.\d billion"):
        check_size(large, DRAWN_TASKS["shapes"], "cpu")
    check_size(large, DRAWN_TASKS["shapes"], "cuda")
    check_size(recipe_with(), DRAWN_TASKS["shapes"], "cpu")
