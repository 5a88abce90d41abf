"""Crop, flip and zoom of whole batches, against torchvision's transforms of single images."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.utils.data import DistributedSampler
from torchvision.transforms import v2

from mixer_viz.training.data.memory import MemoryBatches, shifted, zoomed
from tests.training.made_runs import RECIPE

SIZE = 16


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randint(0, 256, (6, 3, SIZE, SIZE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_moved_image_is_a_crop_of_the_padded_one_or_of_its_mirror_image(images: torch.Tensor) -> None:
    chosen = torch.arange(6).repeat(20)
    padded = v2.functional.pad(images, [2] * 4, padding_mode="reflect")
    seen = set()
    for index, moved in zip(chosen.tolist(), shifted(images, chosen, True, generator()), strict=True):
        places = [
            (top, left, flipped)
            for top in range(5)
            for left in range(5)
            for flipped in (False, True)
            if torch.equal(moved.flip(2) if flipped else moved, padded[index, :, top : top + SIZE, left : left + SIZE])
        ]
        assert len(places) == 1
        seen.add(places[0])
    assert {top for top, _, _ in seen} == {left for _, left, _ in seen} == set(range(5))
    assert {flipped for _, _, flipped in seen} == {False, True}


def test_without_flip_no_image_is_mirrored(images: torch.Tensor) -> None:
    ramp = torch.arange(SIZE, dtype=torch.uint8).expand(50, 3, SIZE, SIZE)
    moved = shifted(ramp, torch.arange(50), False, generator())
    assert (moved[..., SIZE // 2].int() > moved[..., SIZE // 2 - 4].int()).all()


def test_a_zoomed_ramp_stays_a_ramp_over_a_part_of_the_image() -> None:
    ramp = (10 * torch.arange(SIZE)).to(torch.uint8).expand(400, 3, SIZE, SIZE)
    part = zoomed(ramp, False, generator()).float()[:, 0, SIZE // 2]
    step = (part[:, 9] - part[:, 6]) / 30  # the share of the width that is seen
    assert (step**2).min().item() + 0.05 >= 0.3 * 0.75
    assert step.max().item() <= 1.01
    assert step.std().item() > 0.05
    assert zoomed(ramp, True, generator()).float()[:, 0].diff(dim=2).lt(0).any()


def test_zooming_keeps_the_whole_image_within_its_borders() -> None:
    flat = torch.full((50, 3, SIZE, SIZE), 77, dtype=torch.uint8)
    assert torch.equal(zoomed(flat, True, generator()), flat)


def test_batches_follow_the_sampler_and_the_generator(images: torch.Tensor) -> None:
    recipe = dataclasses.replace(RECIPE, batch_size=2, image_size=SIZE, patch_size=2)
    sampler: DistributedSampler[int] = DistributedSampler(range(6), 1, 0, shuffle=True, seed=3)  # type: ignore[arg-type]
    labels = [10, 11, 12, 13, 14, 15]
    first = list(MemoryBatches(images, labels, sampler, recipe, generator(1)))
    again = list(MemoryBatches(images, labels, sampler, recipe, generator(1)))
    other = list(MemoryBatches(images, labels, sampler, recipe, generator(2)))
    assert [batch_labels.tolist() for _, batch_labels in first] == [
        [labels[index] for index in list(sampler)[start : start + 2]] for start in (0, 2, 4)
    ]
    assert all(torch.equal(a, b) for (a, _), (b, _) in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for (a, _), (b, _) in zip(first, other, strict=True))


def test_a_batch_that_is_not_full_is_left_out(images: torch.Tensor) -> None:
    recipe = dataclasses.replace(RECIPE, batch_size=4)
    sampler: DistributedSampler[int] = DistributedSampler(range(6), 1, 0)  # type: ignore[arg-type]
    batches = MemoryBatches(images, [0] * 6, sampler, recipe, generator())
    assert len(batches) == len(list(batches)) == 1
