"""Reading labelled images: what is accepted, and the one sentence for what is not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision import datasets

from mixer_viz.training.data import labelled as training_data
from mixer_viz.training.data.labelled import DataError, ImageDataset, LabelledFiles, find_data
from tests.training.conftest import MakeTree


def names(files: LabelledFiles) -> list[str]:
    return [f"{path.parent.name}/{path.name}" for path in files.images if isinstance(path, Path)]


def refusal(data: object, download_dir: Path = Path("unused")) -> str:
    """The sentence that `find_data` refuses with."""
    with pytest.raises(DataError) as caught:
        find_data(str(data), download_dir, seed=0)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize("test", ["test", "val", "validation"])
def test_a_tree_with_train_and_test_folders(make_tree: MakeTree, test: str) -> None:
    found = find_data(str(make_tree(test=test, count=3)), Path("unused"), seed=0)
    assert found.class_names == ("lower", "upper")
    for part, folder in ((found.train, "train"), (found.test, test)):
        assert {path.parts[-3] for path in part.images if isinstance(path, Path)} == {folder}
        assert names(part) == [f"{name}/{number:02}.png" for name in found.class_names for number in range(3)]
        assert list(part.labels) == [0, 0, 0, 1, 1, 1]


def test_a_tenth_of_a_plain_tree_is_held_out_by_seed(make_tree: MakeTree) -> None:
    root = str(make_tree(test=None, count=20))
    first, again, other = (find_data(root, Path("unused"), seed) for seed in (3, 3, 4))
    assert len(first.test.images) == 4
    assert len(first.train.images) == 36
    assert not set(first.test.images) & set(first.train.images)
    assert first == again
    assert set(first.test.images) != set(other.test.images)
    for part in (first.train, first.test):
        labels = [first.class_names.index(name.split("/")[0]) for name in names(part)]
        assert labels == list(part.labels)


def test_a_train_folder_alone_gives_up_a_tenth(make_tree: MakeTree) -> None:
    root = make_tree(count=20)
    (root / "test").rename(root / "unused")
    found = find_data(str(root), Path("unused"), seed=0)
    assert len(found.test.images) == 4
    assert all(path.parts[-3] == "train" for path in found.test.images if isinstance(path, Path))


def test_a_missing_folder(tmp_path: Path) -> None:
    assert "There is no folder" in refusal(tmp_path / "nowhere")


def test_a_folder_without_classes(tmp_path: Path) -> None:
    assert "one sub-folder per class" in refusal(tmp_path)


def test_a_single_class(make_tree: MakeTree) -> None:
    assert "single class 'lower'" in refusal(make_tree(test=None, classes=("lower",)))


def test_classes_that_differ_between_train_and_test(make_tree: MakeTree) -> None:
    root = make_tree()
    (root / "test" / "upper").rename(root / "test" / "left")
    assert refusal(root).endswith("differ: left, upper.")


def test_a_class_without_images(make_tree: MakeTree) -> None:
    root = make_tree(test=None)
    (root / "nothing").mkdir()
    assert "at least one image" in refusal(root)


def test_a_class_that_holding_out_would_empty(make_tree: MakeTree) -> None:
    assert "too few images" in refusal(make_tree(test=None, count=1))


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"no picture",
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"IDAT", b"ID\x01T"),
        lambda data: data[:-20] + bytes(20),
    ],
    ids=["text", "cut", "chunk", "tail"],
)
def test_a_damaged_image_is_named(make_tree: MakeTree, damage) -> None:  # type: ignore[no-untyped-def]
    root = make_tree(test=None, count=4)
    victim = root / "upper" / "02.png"
    victim.write_bytes(damage(victim.read_bytes()))
    found = find_data(str(root), Path("unused"), seed=0)
    with pytest.raises(DataError, match=r"upper/02\.png is not an image that can be read; remove or replace it\.$"):
        for part in (found.train, found.test):
            ImageDataset(part, 8, nn.Identity(), "images", quiet=True)


def test_an_odd_size_among_native_ones_is_named(make_tree: MakeTree) -> None:
    root = make_tree(count=40)
    odd = root / "train" / "upper" / "35.png"
    Image.new("RGB", (9, 8)).save(odd)
    files = find_data(str(root), Path("unused"), seed=0).train
    assert files.images.index(odd) == 75
    dataset = ImageDataset(files, 8, nn.Identity(), "images", quiet=True)
    assert not dataset.native_size
    # Of more than 128 images only some are looked at beforehand; this one is met when all are decoded.
    sampled = LabelledFiles([*files.images, *files.images[:75]], [*files.labels, *files.labels[:75]])
    with pytest.raises(DataError, match=r"35\.png is not 8 x 8"):
        ImageDataset(sampled, 8, nn.Identity(), "images", quiet=True)


def test_the_cache_equals_decoding_from_disk(make_tree: MakeTree, monkeypatch: pytest.MonkeyPatch) -> None:
    files = find_data(str(make_tree(count=4)), Path("unused"), seed=0).train
    cached = ImageDataset(files, 8, nn.Identity(), "images", quiet=True)
    monkeypatch.setattr(training_data, "MAX_CACHE_BYTES", 8 * 8 * 8 * 3 - 1)
    read = ImageDataset(files, 8, nn.Identity(), "images", quiet=True)
    assert cached.cache is not None
    assert read.cache is None
    assert read.native_size
    assert len(cached) == len(read) == 8
    for index, path in enumerate(files.images):
        expected = torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)
        for dataset in (cached, read):
            pixels, label = dataset[index]
            assert torch.equal(pixels, expected)
            assert label == files.labels[index]


def test_other_sizes_are_read_from_disk(make_tree: MakeTree) -> None:
    files = find_data(str(make_tree(count=2, size=16)), Path("unused"), seed=0).train
    dataset = ImageDataset(files, 8, nn.Identity(), "images", quiet=True)
    assert not dataset.native_size
    assert dataset.cache is None
    assert dataset[0][0].shape == (3, 16, 16)


def test_cifar10_comes_from_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)

    def fake(root: str, train: bool, download: bool) -> SimpleNamespace:
        assert root == str(tmp_path)
        assert download
        part = slice(0, 4) if train else slice(4, 6)
        return SimpleNamespace(data=pictures[part], targets=[0, 1, 1, 0][: len(pictures[part])], classes=["a", "b"])

    monkeypatch.setattr(datasets, "CIFAR10", fake)
    found = find_data("cifar10", tmp_path, seed=0)
    assert found.class_names == ("a", "b")
    assert list(found.test.labels) == [0, 1]
    dataset = ImageDataset(found.train, 32, nn.Identity(), "images", quiet=True)
    assert [label for _, label in (dataset[index] for index in range(4))] == [0, 1, 1, 0]
    assert torch.equal(dataset[3][0], torch.from_numpy(pictures[3]).permute(2, 0, 1))


def test_a_failed_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("<urlopen error>\nsecond line")

    monkeypatch.setattr(datasets, "CIFAR10", fail)
    sentence = refusal("cifar10", tmp_path)
    assert "could not be downloaded" in sentence
    assert "urlopen" not in sentence
