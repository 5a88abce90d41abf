"""A folder of labelled pictures: which folder is which class, what is left out, and what is refused."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from made_images import encode
from PIL import Image

from mixer_viz.images import ImageError, crop_image, labelled_folder, normalise
from mixer_viz.images.labelled_folder import check_sizes, labelled_images
from tests.conftest import TINY

CPU = torch.device("cpu")
NAMED = dataclasses.replace(
    TINY,
    num_classes=8,
    class_names=(
        *("Cat", "tabby, tabby cat", "crane", "crane", "wild, cat", "tench, Tinca tinca"),
        *("hoist, winch", "hoist, lifting machine"),
    ),
)


def picture(seed: int, width: int = 12, height: int = 9) -> Image.Image:
    colours = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(colours)


def file(seed: int = 0) -> bytes:
    return encode(picture(seed), "PNG")


def test_pictures_come_as_the_model_reads_them() -> None:
    files = [(f"val/class {label}/{label}.png", file(label)) for label in (7, 0, 9)]
    found = labelled_images(files, TINY)
    assert len(found) == 3
    assert found.labels.tolist() == [7, 0, 9]
    assert found.left_out == ""
    assert {(image.shape, image.dtype.name) for image in found.images} == {((8, 8, 3), "uint8")}
    expected = torch.cat([normalise(crop_image(picture(label), TINY), TINY) for label in (7, 0, 9)])
    assert torch.equal(found.pixels(slice(0, 3), CPU), expected)
    assert torch.equal(found.pixels(slice(1, 2), CPU), expected[1:2])


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("Cat/1.png", 0),
        ("cAT/1.png", 0),  # the class of that full name, though another one has it after a comma
        ("deep/in/a/tree/cat/1.png", 0),
        ("./cat/1.png", 0),
        ("/cat/1.png", 0),
        ("photos\\cat\\1.png", 0),
        ("TABBY/1.png", 1),
        ("tabby_cat/1.png", 1),
        ("tabby, tabby cat/1.png", 1),
        ("lifting machine/1.png", 7),
        (" wild /1.png", 4),
        ("tinca tinca/1.png", 5),
        ("tench,  tinca_tinca/1.png", 5),
    ],
)
def test_the_last_folder_is_the_class(path: str, label: int) -> None:
    assert labelled_images([(path, file())], NAMED).labels.tolist() == [label]


@pytest.mark.parametrize(
    "path", ["cats/1.png", "cat/dogs/1.png", "crane/1.png", "hoist/1.png", "1.png", "cat", "_/1.png"]
)
def test_what_is_no_class_or_two(path: str) -> None:
    with pytest.raises(ImageError, match=r"has no class of the name .*such as 'Cat', 'tabby, tabby cat'"):
        labelled_images([(path, file())], NAMED)


def test_unknown_folders_are_left_out_and_named() -> None:
    names = ["zebra", "**bold**\n", "x" * 5000, *"abcd"]
    files = [(f"{name}/{number}.png", file()) for name in names for number in range(2)]
    found = labelled_images([*files, ("cat/1.png", file()), ("0.png", file())], NAMED)
    assert len(found) == 1
    assert len(found.unknown) == 8
    assert found.left_out == (
        "Left out, because this model has no class of that name: (no folder), '**bold**\\n', 'a', 'b', 'c', 3 more."
    )
    long = labelled_images([("cat/1.png", file()), ("y" * 5000 + "/1.png", file())], NAMED)
    assert len(long.left_out) < 150


def test_unreadable_files_are_skipped_and_counted_and_hidden_ones_ignored() -> None:
    bad = [b"", b"no picture", file()[:60], b"\x89PNG\r\n\x1a\n" + bytes(100), b"<svg/>"]
    files = [(f"cat/{number}.png", data) for number, data in enumerate(bad)]
    hidden = [("cat/.DS_Store", b"x"), ("__MACOSX/cat/1.png", file()), ("cat/._1.png", b"x"), ("../cat/1.png", file())]
    found = labelled_images([*files, *hidden, ("cat/good.png", file()), ("", file())], NAMED)
    assert (len(found), found.unreadable, found.unknown) == (1, 5, ())
    assert found.left_out == "Skipped 5 of 6 files: no readable pictures."
    with pytest.raises(ImageError, match="None of the 5 files"):
        labelled_images([*files, *hidden], NAMED)
    for nothing in ([], hidden):
        with pytest.raises(ImageError, match="There are no pictures here"):
            labelled_images(nothing, NAMED)


def test_a_model_without_class_names() -> None:
    with pytest.raises(ImageError, match="does not say what its classes are called"):
        labelled_images([("cat/1.png", file())], dataclasses.replace(TINY, class_names=None))


def endless(data: bytes, folder: str = "cat") -> Iterator[tuple[str, bytes]]:
    return ((f"{folder}/{number}.png", data) for number in itertools.count())


def test_endless_folders_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled_folder, "MAX_IMAGES", 5)
    assert len(labelled_images(itertools.islice(endless(file()), 5), NAMED)) == 5
    one_more = itertools.islice(endless(file()), 6)
    for files in (one_more, endless(file()), endless(b"unreadable"), endless(file(), "unknown")):
        with pytest.raises(ImageError, match="more than 5 files"):
            labelled_images(files, NAMED)


def test_at_most_so_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled_folder, "MAX_FILE_BYTES", 3 * 2**20)
    million = bytes(2**20)
    assert labelled_images([("cat/1.png", file()), *itertools.islice(endless(million), 2)], NAMED).unreadable == 2
    for folder in ("cat", "unknown"):
        with pytest.raises(ImageError, match="more than 3 MiB in all"):
            labelled_images(endless(million, folder), NAMED)


def test_at_most_so_many_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled_folder, "MAX_DECODED_PIXELS", 1000)
    small, large = file(), encode(Image.new("RGB", (50, 19)), "PNG")
    assert len(labelled_images([("cat/1.png", large)], NAMED)) == 1
    with pytest.raises(ImageError, match="more than 1,000 pixels in all"):
        labelled_images([("cat/1.png", large), ("cat/2.png", small)], NAMED)


def test_at_most_so_many_unreadable_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled_folder, "MAX_UNREADABLE", 2)
    bad = itertools.islice(endless(b"x"), 2)
    assert labelled_images([*bad, ("cat/1.png", file())], NAMED).unreadable == 2
    with pytest.raises(ImageError, match="are no readable pictures; choose others"):
        labelled_images(endless(b"x"), NAMED)


def test_large_crops_are_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled_folder, "MAX_KEPT_BYTES", 3 * 3 * 8 * 8)
    assert len(labelled_images(itertools.islice(endless(file()), 3), NAMED)) == 3
    with pytest.raises(ImageError, match="more than 3 files, the most for 8 px"):
        labelled_images(endless(file()), NAMED)


def test_sizes_are_refused_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled_folder, "MAX_FILE_BYTES", 100)
    monkeypatch.setattr(labelled_folder, "MAX_IMAGES", 3)
    check_sizes([("cat/1.png", 60), ("cat/.hidden", 900), ("no class/2.png", 40)], NAMED)
    with pytest.raises(ImageError, match="in all; choose fewer"):
        check_sizes([("cat/1.png", 60), ("cat/2.png", 41)], NAMED)
    with pytest.raises(ImageError, match="more than 3 files"):
        check_sizes(((f"cat/{number}.png", 1) for number in itertools.count()), NAMED)
