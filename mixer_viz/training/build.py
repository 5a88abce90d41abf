"""A recipe to a network with fresh weights."""

from __future__ import annotations

import dataclasses

import torch

from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.training.optim import initialise
from mixer_viz.training.recipe import Recipe


def build_model(recipe: Recipe, class_names: tuple[str, ...]) -> MlpMixer:
    """A Mixer of the recipe's size with the recipe's initial weights, drawn from its seed."""
    sizes = {
        field.name: getattr(recipe, field.name)
        for field in dataclasses.fields(MixerConfig)
        if hasattr(recipe, field.name) and field.name != "num_classes"
    }
    config = MixerConfig(
        **sizes,
        num_classes=len(class_names),
        class_names=class_names,
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        interpolation="bilinear",
        crop_pct=1.0,
    )
    torch.manual_seed(recipe.seed)
    model = MlpMixer(config)
    initialise(model, recipe.token_mixing_std)
    return model
