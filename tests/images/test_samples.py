"""The pictures to start with: which there are, that they need no network, and that the drawn ones are exact."""

from __future__ import annotations

import dataclasses
import re
import socket

import numpy as np
import pytest

from mixer_viz.images.photos import bundled_photos
from mixer_viz.images.samples import available_samples, draw_grating, load_sample, reference_photos


def grey_values(name: str) -> np.ndarray:
    """(256, 256) of a drawn sample, after checking that its three channels are equal."""
    array = np.asarray(load_sample(name))
    assert array.shape == (256, 256, 3)
    assert array.dtype == np.uint8
    assert (array == array[:, :, :1]).all()
    return array[:, :, 0].astype(int)


def test_the_cat_comes_first_and_everything_says_what_it_is() -> None:
    samples = available_samples()
    names = [sample.name for sample in samples]
    assert (names[0], names[1:16]) == ("cat", [photo.name for photo in bundled_photos()])
    assert names[16:20] == ["astronaut", "coffee", "rocket", "motorcycle"]
    assert [sample.kind for sample in samples] == ["photo"] * 20 + ["drawn"] * 6
    assert len(set(names)) == len({sample.title for sample in samples}) == 26
    for sample in samples:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", sample.name)
        assert sample.credit
        assert (sample.expected is None) == (sample.kind == "photo")
        assert sample.expected is None or re.fullmatch(r"[A-Z][^.]+\.", sample.expected)
    with pytest.raises(dataclasses.FrozenInstanceError):
        samples[0].name = "dog"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "size", "pixel"),
    [
        ("cat", (451, 300), (143, 120, 104)),
        ("astronaut", (512, 512), (154, 147, 151)),
        ("coffee", (600, 400), (21, 13, 8)),
        ("rocket", (640, 427), (17, 33, 58)),
        ("motorcycle", (741, 500), (127, 79, 53)),
    ],
)
def test_photos_load_without_network(
    name: str, size: tuple[int, int], pixel: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise RuntimeError("network used")

    monkeypatch.setattr(socket, "socket", refuse)
    image = load_sample(name)
    assert (image.mode, image.size, image.info) == ("RGB", size, {})
    # The rocket is a JPEG, whose decoders may differ by a level or two.
    assert image.getpixel((0, 0)) == pytest.approx(pixel, abs=3 if name == "rocket" else 0)


def test_every_call_gives_a_new_equal_picture() -> None:
    for sample in available_samples():
        first, second = load_sample(sample.name), load_sample(sample.name)
        assert first == second
        assert first is not second


def test_a_missing_photo_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "mixer_viz.images.samples._PHOTO_FILES",
        {"cat": "chelsea.png"}
        | dict.fromkeys(["astronaut", "coffee", "rocket", "motorcycle"], "not_in_this_release.png"),
    )
    names = [sample.name for sample in available_samples()]
    assert names[15:17] == ["crab", "bright-patch"]
    with pytest.raises(ValueError, match="no sample picture 'rocket'; choose one of cat, dog, "):
        load_sample("rocket")


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match="no sample picture 'wolf'; choose one of cat, dog, horses, moose, "):
        load_sample("wolf")


def test_models_are_measured_on_five_photos_of_scikit_image() -> None:
    assert [photo.name for photo in reference_photos()] == ["cat", "astronaut", "coffee", "rocket", "motorcycle"]


def test_bright_patch() -> None:
    grey = grey_values("bright-patch")
    assert np.argwhere(grey == 255).min(axis=0).tolist() == [64, 160]
    assert np.argwhere(grey == 255).max(axis=0).tolist() == [95, 191]
    assert (grey == 255).sum() == 32 * 32
    assert (grey == 128).sum() == 256 * 256 - 32 * 32


def test_checkerboard_and_gradient() -> None:
    board = grey_values("checkerboard")
    assert board[0, 0] == board[31, 31] == board[32, 32] == 0
    assert board[0, 32] == board[32, 0] == 255
    assert (board.reshape(8, 32, 8, 32) == board[::32, ::32][:, None, :, None]).all()
    assert (grey_values("gradient") == np.arange(256)).all()


def test_gratings_have_the_direction_and_the_frequency_they_name() -> None:
    vertical, horizontal, diagonal = (grey_values(f"{name}-grating") for name in ("vertical", "horizontal", "diagonal"))
    assert (vertical == vertical[:1]).all()
    assert (horizontal == vertical.T).all()
    assert (diagonal[1:, :-1] == diagonal[:-1, 1:]).all()  # rising diagonals, row + column constant
    assert (diagonal != diagonal[:1]).any()
    spectrum = np.abs(np.fft.rfft(vertical[0] - vertical[0].mean()))
    assert spectrum.argmax() == 4
    assert vertical[0].tolist() == [round(127.5 + 127.5 * np.sin(2 * np.pi * 4 * (x + 0.5) / 256)) for x in range(256)]


def test_draw_grating_phase_and_limits() -> None:
    rightwards = np.asarray(draw_grating(1, 0, size=4))[:, :, 0]
    assert rightwards.tolist() == [[218, 218, 37, 37]] * 4  # 127.5 (1 +- sin 45 degrees)
    downwards = np.asarray(draw_grating(1, 90, size=4))[:, :, 0]
    assert (downwards == rightwards.T).all()
    assert np.asarray(draw_grating(1, 180, size=4))[0, :, 0].tolist() == [37, 37, 218, 218]
    assert (np.asarray(draw_grating(0, 30, size=3)) == 128).all()
    assert draw_grating(8, 0, size=16).size == (16, 16)
    for cycles, size in ((9, 16), (-1, 16), (0, 0)):
        with pytest.raises(ValueError, match=f"cycles={cycles} must be between 0 and half of size={size}"):
            draw_grating(cycles, 0, size=size)
