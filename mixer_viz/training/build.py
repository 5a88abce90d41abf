"""A recipe to a network with fresh weights."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from mixer_viz.checkpoints.networks import AnyNetwork
from mixer_viz.model import MetaFormer, MetaFormerConfig, MixerConfig, MlpMixer
from mixer_viz.model.convnet import ConvNet, ConvNetConfig
from mixer_viz.training.optim import initialise
from mixer_viz.training.recipe import Recipe


def build_model(recipe: Recipe, class_names: tuple[str, ...]) -> AnyNetwork:
    """A network of the recipe's kind, size and token mixer with the recipe's initial weights, drawn from its seed."""
    model: AnyNetwork
    torch.manual_seed(recipe.seed)
    if recipe.network == "convnet":
        model = ConvNet(
            ConvNetConfig(
                image_size=recipe.image_size,
                width=recipe.convnet_width,
                num_classes=len(class_names),
                class_names=class_names,
            )
        )
    else:
        config = metaformer_config(recipe, class_names)
        model = MlpMixer(config.sizes) if recipe.is_mixer else MetaFormer(config)
    initialise(model, recipe.token_mixing_std, recipe.stem_std)
    return model


def metaformer_config(recipe: Recipe, class_names: tuple[str, ...]) -> MetaFormerConfig:
    """What the recipe says of the network; a plain Mixer is the one with "mlp" and no permutation."""
    sizes = MixerConfig(
        **_shared(recipe, MixerConfig),
        num_classes=len(class_names),
        class_names=class_names,
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        interpolation="bilinear",
        crop_pct=1.0,
    )
    return MetaFormerConfig(sizes=sizes, **_shared(recipe, MetaFormerConfig))


def _shared(recipe: Recipe, config: type[MixerConfig] | type[MetaFormerConfig]) -> dict[str, Any]:
    """The recipe's values of the fields that the config has too."""
    names = [field.name for field in dataclasses.fields(config) if hasattr(recipe, field.name)]
    return {name: getattr(recipe, name) for name in names}
