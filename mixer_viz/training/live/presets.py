"""Settings to start a watched training from: some that work, and two that fail, with the reason."""

from __future__ import annotations

import dataclasses
from typing import Any

from mixer_viz.language import mark, noted
from mixer_viz.model.token_mixer_table import metaformer_costs
from mixer_viz.training.build import metaformer_config
from mixer_viz.training.data.drawn import DrawnTask
from mixer_viz.training.data.drawn_batches import STEPS_PER_EPOCH
from mixer_viz.training.data.pictures import Pictures
from mixer_viz.training.recipe import Recipe

# What is done to a set's pictures before each step: how they are cut, and whether half of them are mirrored.
AUGMENTATIONS = {
    "none": ("none", False),
    "shifts": ("pad", False),
    "shifts-and-flips": ("pad", True),
    "zooms-and-flips": ("resized", True),
}
MAX_STEP_MULTIPLY_ADDS = {"cpu": 4e9}  # of one training step, while which nobody else has the device: about 0.3 s
_MAX_ON_A_GPU = 4e11
_BACKWARD = 3  # a step's cost over that of its forward pass
_WARMUP_STEPS = 25

# What all share: small enough for two cores, no mixing of pictures, an average that follows quickly.
_SHARED: dict[str, Any] = {
    "patch_size": 8,
    "embed_dim": 64,
    "num_blocks": 2,
    "tokens_mlp_dim": 32,
    "channels_mlp_dim": 128,
    "epochs": 40,
    "batch_size": 64,
    "optimizer": "muon",
    "lr": 3e-3,
    "beta2": 0.99,
    "warmup_epochs": 0.5,
    "label_smoothing": 0.0,
    "ema_decay": 0.98,
    "mix_probability": 0.0,
    "token_mixing_weight_decay": 0.1,
    "stem_std": 0.02,
    "stem_weight_decay": 0.3,
    "precision": "fp32",
}


@dataclasses.dataclass(frozen=True)
class Preset:
    """One start: a task of `drawn.DRAWN_TASKS`, the recipe, and what to expect of it."""

    name: str  # URL-safe
    title: str
    task: str
    recipe: Recipe
    expect: str  # one sentence
    fails: bool = False


def recipe_with(**changes: Any) -> Recipe:
    """The settings that all presets share, with changes; ValueError where they make no sense."""
    return Recipe(**_SHARED | changes)


def live_recipe(pictures: Pictures, *, steps: int, augmentation: str, **changes: Any) -> Recipe:
    """The recipe of about `steps` steps on these pictures; drawn ones never repeat, so nothing is done to them.

    Raises ValueError where the settings make no sense, or the pictures do not fill a batch.
    """
    if isinstance(pictures, DrawnTask):
        return recipe_with(**changes, epochs=steps // STEPS_PER_EPOCH)
    each = pictures.steps_per_epoch(changes["batch_size"])
    crop, flip = AUGMENTATIONS[augmentation]
    epochs = max(1, round(steps / each))
    warmup = round(min(_WARMUP_STEPS / each, epochs / 2), 4)
    return recipe_with(**changes, epochs=epochs, warmup_epochs=warmup, crop=crop, flip=flip, validation_share=0.0)


def check_size(recipe: Recipe, pictures: Pictures, device_type: str) -> None:
    """Raise ValueError, one sentence, where a single step would keep the device for too long."""
    each = metaformer_costs(metaformer_config(recipe, pictures.class_names)).total.multiply_adds
    step, most = _BACKWARD * recipe.batch_size * each, MAX_STEP_MULTIPLY_ADDS.get(device_type, _MAX_ON_A_GPU)
    if step > most:
        raise ValueError(
            noted(
                "A step of these settings has {step:,.1f} billion multiply-adds; this computer, which others use as "
                "well, allows {most:,.0f}; choose larger patches, fewer channels or blocks, or a smaller batch.",
                step=step / 1e9,
                most=most / 1e9,
            )
        )


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            "shapes",
            mark("Shapes"),
            "shapes",
            recipe_with(),
            mark(
                "Nine of ten right within a minute: form is learned first, then the corners of squares and triangles."
            ),
        ),
        Preset(
            "places",
            mark("Where is it?"),
            "where",
            recipe_with(epochs=20, tokens_mlp_dim=16),
            mark("The mixing weights become maps of places: this is all that there is to know."),
        ),
        Preset(
            "comparing",
            mark("Same or different"),
            "same-or-different",
            recipe_with(epochs=80),
            mark(
                "Nothing seems to happen for a while; then, suddenly, the network compares two places. When is a "
                "matter of chance: with another seed at once, or after minutes."
            ),
        ),
        Preset(
            "stripes",
            mark("Stripes"),
            "stripes",
            recipe_with(patch_size=4),
            mark("The patch-embedding filters turn into stripes themselves."),
        ),
        Preset(
            "no-mixing",
            mark("Same or different, without mixing"),
            "same-or-different",
            recipe_with(epochs=80, token_mixer="identity"),
            mark("Stays at 50 %: both classes hold the same patches, and nothing here can compare two of them."),
            fails=True,
        ),
        Preset(
            "too-fast",
            mark("Shapes, learning rate too high"),
            "shapes",
            recipe_with(optimizer="adamw", lr=1.0),
            mark(
                "Each step overshoots: the loss jumps up and stays there, and the weights grow without finding a "
                "pattern."
            ),
            fails=True,
        ),
    )
}
