"""Settings to start a watched training from: some that work, and two that fail, with the reason."""

from __future__ import annotations

import dataclasses
from typing import Any

from mixer_viz.training.recipe import Recipe

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


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            "shapes",
            "Shapes",
            "shapes",
            recipe_with(),
            "Nine of ten right within a minute: form is learned first, then the corners of squares and triangles.",
        ),
        Preset(
            "places",
            "Where is it?",
            "where",
            recipe_with(epochs=20, tokens_mlp_dim=16),
            "The mixing weights become maps of places: this is all that there is to know.",
        ),
        Preset(
            "comparing",
            "Same or different",
            "same-or-different",
            recipe_with(epochs=80),
            "Nothing seems to happen for a while; then the network finds out how to compare two places.",
        ),
        Preset(
            "stripes",
            "Stripes",
            "stripes",
            recipe_with(patch_size=4),
            "The patch-embedding filters turn into stripes themselves.",
        ),
        Preset(
            "no-mixing",
            "Same or different, without mixing",
            "same-or-different",
            recipe_with(epochs=80, token_mixer="identity"),
            "Stays at 50 %: both classes hold the same patches, and nothing here can compare two of them.",
            fails=True,
        ),
        Preset(
            "too-fast",
            "Shapes, learning rate too high",
            "shapes",
            recipe_with(optimizer="adamw", lr=1.0),
            "Each step overshoots: the loss jumps up and stays there, and the weights grow without finding a pattern.",
            fails=True,
        ),
    )
}
