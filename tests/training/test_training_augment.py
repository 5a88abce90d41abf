"""Augmentation: every choice gives pictures of the right kind, the same ones under the same seed."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from mixer_viz.training.data.augment import BatchMixing, test_transform, train_transform
from mixer_viz.training.recipe import CHOICES
from tests.training.made_runs import RECIPE

test_transform.__test__ = False  # type: ignore[attr-defined]  # its name, not a test


def picture(height: int, width: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=random)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    labels = torch.tensor([0, 1, 2, 3, 0, 1])
    pixels = torch.arange(6.0).view(6, 1, 1, 1).expand(6, 3, 8, 8).contiguous()  # every image one flat number
    return pixels, labels


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("crop", CHOICES["crop"])
@pytest.mark.parametrize("auto_augment", CHOICES["auto_augment"])
def test_every_choice_keeps_shape_and_type_and_follows_the_seed(auto_augment: str, crop: str, native: bool) -> None:
    recipe = dataclasses.replace(RECIPE, auto_augment=auto_augment, crop=crop)
    transform = train_transform(recipe, native)
    image = picture(8, 8) if native else picture(12, 17)

    def draw(seed: int) -> list[torch.Tensor]:
        torch.manual_seed(seed)
        return [transform(image) for _ in range(6)]

    first, again, other = draw(0), draw(0), draw(1)
    assert {(result.shape, result.dtype) for result in first} == {(torch.Size([3, 8, 8]), torch.uint8)}
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_the_automatic_crop_shifts_native_pictures_and_rescales_others() -> None:
    recipe = dataclasses.replace(RECIPE, flip=False, crop="auto")
    flat = torch.arange(8, dtype=torch.uint8).mul(30).view(1, 1, 8).expand(3, 8, 8)
    torch.manual_seed(0)
    levels = {value for _ in range(20) for value in train_transform(recipe, True)(flat).unique().tolist()}
    assert levels <= set(range(0, 240, 30))  # shifting makes no new levels
    levels = {value for _ in range(20) for value in train_transform(recipe, False)(flat).unique().tolist()}
    assert not levels <= set(range(0, 240, 30))


def test_flips_happen_only_when_asked_for() -> None:
    image = picture(8, 8)
    for flip, expected in ((True, {True, False}), (False, {False})):
        transform = train_transform(dataclasses.replace(RECIPE, flip=flip), True).transforms
        assert any(type(step).__name__ == "RandomHorizontalFlip" for step in transform) is flip
        torch.manual_seed(0)
        flipped = {bool(torch.equal(transform[-1](image), image.flip(-1))) for _ in range(20)}
        assert flipped == expected


def test_test_pictures_are_left_alone_or_cut_from_the_centre() -> None:
    native = picture(8, 8)
    assert torch.equal(test_transform(RECIPE, True)(native), native)
    wide = torch.zeros(3, 8, 24, dtype=torch.uint8)
    wide[..., 8:16] = 200
    assert torch.equal(test_transform(RECIPE, False)(wide), torch.full((3, 8, 8), 200, dtype=torch.uint8))


@pytest.mark.parametrize("alphas", [{"mixup": 0.4, "cutmix": 0.0}, {"mixup": 0.0, "cutmix": 1.0}])
def test_label_shares_are_those_of_the_pixels(alphas: dict[str, float]) -> None:
    mixing = BatchMixing(dataclasses.replace(RECIPE, mix_probability=1.0, **alphas), num_classes=4)
    pixels, labels = batch()
    torch.manual_seed(0)
    changed = 0
    for _ in range(10):
        mixed, shares = mixing(pixels, labels)
        assert shares.shape == (6, 4)
        assert shares.min() >= 0
        torch.testing.assert_close(shares.sum(dim=1), torch.ones(6))
        # Image i is flat with value i and its partner flat with value i - 1 (torchvision rolls the batch by one).
        own = (mixed.mean(dim=(1, 2, 3)) - pixels.roll(1, 0)[:, 0, 0, 0]) / (
            pixels[:, 0, 0, 0] - pixels.roll(1, 0)[:, 0, 0, 0]
        )
        expected = torch.zeros(6, 4)
        for row in range(6):
            expected[row, labels[row]] += own[row]
            expected[row, labels.roll(1)[row]] += 1 - own[row]
        torch.testing.assert_close(shares, expected, atol=1e-4, rtol=0)
        changed += not torch.equal(mixed, pixels)
    assert changed >= 8


def test_with_both_each_has_its_turn() -> None:
    mixing = BatchMixing(dataclasses.replace(RECIPE, mix_probability=1.0, mixup=1.0, cutmix=1.0), num_classes=4)
    torch.manual_seed(0)
    whole_numbers = [bool(torch.equal(mixed, mixed.round())) for mixed in (mixing(*batch())[0] for _ in range(20))]
    assert 4 < sum(whole_numbers) < 16  # CutMix copies pixels, MixUp makes numbers between them


@pytest.mark.parametrize(
    "values",
    [{"mix_probability": 0.0, "mixup": 1.0, "cutmix": 1.0}, {"mix_probability": 1.0, "mixup": 0.0, "cutmix": 0.0}],
)
def test_without_mixing_the_batch_is_left_alone(values: dict[str, float]) -> None:
    mixing = BatchMixing(dataclasses.replace(RECIPE, **values), num_classes=4)
    pixels, labels = batch()
    for _ in range(20):
        mixed, same_labels = mixing(pixels, labels)
        assert mixed is pixels
        assert same_labels is labels


def test_the_share_of_mixed_batches_is_the_probability() -> None:
    mixing = BatchMixing(dataclasses.replace(RECIPE, mix_probability=0.25), num_classes=4)
    torch.manual_seed(0)
    mixed = sum(mixing(*batch())[1].ndim == 2 for _ in range(400))
    assert 70 <= mixed <= 130
