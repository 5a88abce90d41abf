"""The photographs that come with the project: their licences, and which classes they are known to show."""

from __future__ import annotations

import re

import pytest

from mixer_viz.images.photos import LOOKED_FOR, bundled_photos, known_classes_shown
from mixer_viz.images.samples import available_samples, load_sample

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def test_every_photo_may_be_shipped_and_is_credited() -> None:
    photos = bundled_photos()
    assert len({photo.name for photo in photos}) == len(photos) >= 12
    assert {path.name for path in photos[0].path.parent.iterdir()} == {"photos.json", *(p.path.name for p in photos)}
    for photo in photos:
        assert re.fullmatch(r"CC0 1\.0|public domain|CC BY [234]\.0", photo.licence)
        assert photo.author
        assert photo.source.startswith("https://")
        assert (photo.author in photo.credit, photo.licence in photo.credit) == (True, True)
        assert "scaled" in photo.changes  # CC BY wants changes said


def test_photos_are_small_files_and_large_enough_to_look_at() -> None:
    assert sum(photo.path.stat().st_size for photo in bundled_photos()) < 1_000_000
    for photo in bundled_photos():
        image = load_sample(photo.name)
        assert image.mode == "RGB"
        assert 240 <= min(image.size) <= max(image.size) <= 512


def test_all_that_a_sample_shows_was_looked_for() -> None:
    for sample in available_samples():
        assert set(sample.shows) <= LOOKED_FOR
        assert sample.kind == "photo" or not sample.shows


def test_samples_for_both_kinds_of_bundled_classes() -> None:
    shown = {sample.name: known_classes_shown(sample.shows, CIFAR10) for sample in available_samples()}
    assert {name: classes for name, classes in shown.items() if classes} == {
        "cat": ("cat",),
        "dog": ("dog",),
        "horses": ("horse",),
        "moose": ("deer",),
        "kingfisher": ("bird",),
    }
    everyday = {name for sample in available_samples() for name in sample.shows} - set(CIFAR10)
    assert len(everyday) >= 10


@pytest.mark.parametrize(
    ("shows", "names", "expected"),
    [
        (["deer", "hoofed animal"], ("cat", "deer"), ("deer",)),
        (["big cat"], ("Big_Cat", "dog"), ("Big_Cat",)),  # as the model writes it
        ([], ("cat", "deer"), ()),  # looked for and not there
        (["dog"], ("cat", "deer"), ()),
        (["dog"], ("dog", "tumour"), ("dog",)),
        (["dog"], ("cat", "tumour"), None),  # nobody looked for a tumour
        ([], None, None),
        (["dog"], (), None),
    ],
)
def test_what_is_known_of_a_picture(
    shows: list[str], names: tuple[str, ...] | None, expected: tuple[str, ...] | None
) -> None:
    assert known_classes_shown(shows, names) == expected
