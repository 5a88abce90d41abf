"""Augmentation, all of it torchvision's v2 transforms."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.transforms import v2

from mixer_viz.training.recipe import Recipe

_POLICIES = {"cifar10": v2.AutoAugmentPolicy.CIFAR10, "imagenet": v2.AutoAugmentPolicy.IMAGENET}


def train_transform(recipe: Recipe, native_size: bool) -> v2.Transform:
    """Crop, flip and auto-augmentation of one (3, H, W) uint8 image.

    `native_size` says that the images already have the model's size; then crop="auto" means a shifted crop with
    reflected borders (the usual choice for CIFAR), otherwise a random resized crop.
    """
    size = recipe.image_size
    shifted = recipe.crop == "pad" or (recipe.crop == "auto" and native_size)
    steps: list[torch.nn.Module] = []
    if recipe.crop == "none":
        steps.append(test_transform(recipe, native_size))
    elif shifted:
        steps += [] if native_size else [v2.Resize(size, antialias=True)]
        steps.append(v2.RandomCrop(size, padding=max(1, size // 8), padding_mode="reflect"))
    else:
        steps.append(v2.RandomResizedCrop(size, scale=(0.3, 1.0), antialias=True))
    if recipe.flip:
        steps.append(v2.RandomHorizontalFlip())
    if recipe.auto_augment in _POLICIES:
        steps.append(v2.AutoAugment(_POLICIES[recipe.auto_augment]))
    elif recipe.auto_augment == "trivial":
        steps.append(v2.TrivialAugmentWide())
    elif recipe.auto_augment == "rand":
        steps.append(v2.RandAugment())
    return v2.Compose(steps)


def test_transform(recipe: Recipe, native_size: bool) -> v2.Transform:
    """Shorter side to image_size, then the centre: what `images.crop_image` does with crop_pct = 1."""
    return v2.Identity() if native_size else fitted(recipe.image_size)


def fitted(size: int) -> v2.Transform:
    """The middle of an image, its shorter side brought to `size` pixels."""
    return v2.Compose([v2.Resize(size, antialias=True), v2.CenterCrop(size)])


class BatchMixing:
    """MixUp or CutMix on a whole batch, each with even odds, applied with `mix_probability`."""

    def __init__(self, recipe: Recipe, num_classes: int) -> None:
        self.mixers: list[v2.Transform] = []
        if recipe.mixup > 0:
            self.mixers.append(v2.MixUp(alpha=recipe.mixup, num_classes=num_classes))
        if recipe.cutmix > 0:
            self.mixers.append(v2.CutMix(alpha=recipe.cutmix, num_classes=num_classes))
        self.probability = recipe.mix_probability if self.mixers else 0.0

    def __call__(self, pixels: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) floats and (N,) class indices -> mixed pixels and (N,) indices or (N, num_classes) shares."""
        # Without mixing nothing is drawn: a server's other threads share this generator.
        if not self.probability or torch.rand(()) >= self.probability:
            return pixels, labels
        mixer = self.mixers[int(torch.randint(len(self.mixers), ()))]
        mixed: tuple[Tensor, Tensor] = mixer(pixels, labels)
        return mixed
