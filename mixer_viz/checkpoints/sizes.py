"""Sizes of a Mixer, read from the shapes of its weights."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.model.wording import named, shown

# What is looked at takes memory and time that grow with these, so each is bounded before anything of that size is made.
MAX_NUM_BLOCKS = 64  # the deepest published Mixer has 32
MAX_IMAGE_SIZE = 1024  # published Mixers read 224 px, fine-tuned ones up to 448
MAX_TOKENS = 4096  # S: H/14, the largest Mixer of the paper, has 256
MAX_NUM_CLASSES = 25_000  # ImageNet-21k has 21,843
MAX_TRACE_NUMBERS = 2**28  # of one picture, all that a pass computes: H/14 keeps 0.23e9
FREE_TRACE_NUMBERS = 2**25  # whatever the weights; beyond, at most MAX_TRACE_RATIO times as many as there are weights
MAX_TRACE_RATIO = 16  # the Mixers of the paper keep half as many, the bundled one twice as many
MAX_PIXEL_NUMBERS = 2**24  # L + 1 times the pixels, from where features come: L/16 at 448 px has 5e6
MAX_MIXING_NUMBERS = 2**25  # L times S times S, who listens to whom in all blocks: H/14 at 448 px has as many

_EXPORT_AGAIN = (
    "export the whole state dict of the model again, in one file where this one is a part of several (shards)"
)

Shapes = Mapping[str, tuple[int, ...]]


def infer_sizes(
    shapes: Shapes, said: tuple[int, int] | None = None, settings: str = "The settings beside these weights"
) -> MixerConfig:
    """The config (sizes only) of the Mixer whose state dict, under our names, has these shapes.

    The weights fix S and P, so the number of pixels; without `said` the grid is taken for a square one, which makes
    sqrt(S) * P pixels along each side.

    Args:
        said: height and width of the picture, where something says them.
        settings: what an error calls that.

    Raises CheckpointError when a tensor is missing or left over, or when two shapes do not fit together.
    """
    num_blocks = _count_blocks(shapes)
    embed_dim, in_channels, patch_size = _read_stem(shapes)
    tokens_mlp_dim, num_patches = _read_matrix(shapes, "blocks.0.token_mixing.fc1.weight")
    channels_mlp_dim, _ = _read_matrix(shapes, "blocks.0.channel_mixing.fc1.weight")
    _check_same_tokens(shapes, num_blocks, num_patches)
    height, width = _picture(num_patches, patch_size, said, settings)
    config = _checked_config(
        image_size=height,
        image_width=width,
        patch_size=patch_size,
        embed_dim=embed_dim,
        num_blocks=num_blocks,
        tokens_mlp_dim=tokens_mlp_dim,
        channels_mlp_dim=channels_mlp_dim,
        num_classes=_read_num_classes(shapes),
        in_channels=in_channels,
    )
    check_bounds(config)
    _check_shapes(shapes, config)
    return config


def check_bounds(config: MixerConfig) -> None:
    """Raise CheckpointError for sizes beyond those above, which no Mixer that people use comes near."""
    tokens, hidden = config.num_patches, config.tokens_mlp_dim
    traced = config.num_blocks * (
        9 * tokens * config.embed_dim + 2 * config.embed_dim * hidden + 2 * tokens * config.channels_mlp_dim
    )
    weights = config.num_blocks * 2 * (tokens * hidden + config.embed_dim * config.channels_mlp_dim)
    most_traced = min(MAX_TRACE_NUMBERS, max(FREE_TRACE_NUMBERS, MAX_TRACE_RATIO * weights))
    for has, most, what in (
        (config.num_blocks, MAX_NUM_BLOCKS, "blocks"),
        (max(config.image_shape), MAX_IMAGE_SIZE, "pixels along a side of the picture"),
        (tokens, MAX_TOKENS, "tokens S"),
        (config.num_classes, MAX_NUM_CLASSES, "classes"),
        (traced, most_traced, "numbers to keep of one pass"),
        ((config.num_blocks + 1) * math.prod(config.image_shape), MAX_PIXEL_NUMBERS, "pixels times blocks"),
        (config.num_blocks * tokens**2, MAX_MIXING_NUMBERS, "numbers in all mixing matrices (blocks times S times S)"),
    ):
        if has > most:
            raise CheckpointError(
                f"This Mixer has {has:,} {what}, but at most {most:,} are accepted; choose a smaller one."
            )


def _checked_config(**sizes: Any) -> MixerConfig:
    try:
        return MixerConfig(**sizes)
    except ValueError as exc:
        raise CheckpointError(f"These weights make no Mixer because {exc}; export the model again.") from exc


def _count_blocks(shapes: Shapes) -> int:
    found = {int(match[1]) for name in shapes if (match := re.match(r"blocks\.(\d{1,9})\.", name))}
    if len(found) > MAX_NUM_BLOCKS or max(found, default=0) >= 2 * MAX_NUM_BLOCKS:
        raise CheckpointError(
            f"These weights have {len(found)} blocks, numbered up to {max(found)}, but at most {MAX_NUM_BLOCKS} "
            "are accepted; choose a smaller Mixer."
        )
    missing = sorted(set(range(max(found, default=0) + 1)) - found)
    if missing:
        raise CheckpointError(
            f"Block {missing[0]} is missing although the weights go up to block {max(found, default=0)}; "
            f"{_EXPORT_AGAIN}."
        )
    return len(found)


def _read_stem(shapes: Shapes) -> tuple[int, int, int]:
    """C, input channels and P of the patch embedding."""
    shape = _required(shapes, "stem.weight")
    if len(shape) != 4 or shape[2] != shape[3]:
        raise CheckpointError(
            f"The patch embedding has shape {shape}, but a square kernel (C, 3, P, P) is needed; "
            "only Mixers with square patches can be loaded."
        )
    if shape[1] != 3:
        raise CheckpointError(
            f"The patch embedding reads {shape[1]} colour channels, but images here have 3; "
            "choose a Mixer trained on RGB images."
        )
    return shape[0], shape[1], shape[2]


def _picture(num_patches: int, patch_size: int, said: tuple[int, int] | None, settings: str) -> tuple[int, int]:
    """Height and width in pixels."""
    side = math.isqrt(num_patches)
    is_square = side**2 == num_patches
    if said is None:
        if not is_square:
            raise CheckpointError(
                f"The token mixing reads S = {num_patches} tokens, which is no square number, and nothing says in how "
                f'many rows; add a side file with "image_size": [height, width] in pixels, in patches of {patch_size}.'
            )
        return side * patch_size, side * patch_size
    height, width = said
    if height % patch_size or width % patch_size or height * width != num_patches * patch_size**2 or height < 1:
        square = f", so images of {side * patch_size} px where these are square" if is_square else ""
        size = shown(height) if height == width else f"{shown(height)} x {shown(width)}"
        raise CheckpointError(
            f"{settings} say {size} px, but the weights read S = {num_patches} patches of {patch_size} px{square}; "
            "correct the settings."
        )
    return height, width


def _read_num_classes(shapes: Shapes) -> int:
    if "head.weight" not in shapes:
        raise CheckpointError(
            "These weights have no classification head (head.weight), so they give features but no logits; "
            "export the model together with its head."
        )
    return _read_matrix(shapes, "head.weight")[0]


def _read_matrix(shapes: Shapes, name: str) -> tuple[int, int]:
    shape = _required(shapes, name)
    if len(shape) != 2:
        raise CheckpointError(f"{name} has shape {shape}, but a matrix is needed; export the model again.")
    return shape[0], shape[1]


def _required(shapes: Shapes, name: str) -> tuple[int, ...]:
    if name not in shapes:
        raise CheckpointError(f"These weights lack {name}; {_EXPORT_AGAIN}.")
    return shapes[name]


def _check_same_tokens(shapes: Shapes, num_blocks: int, num_patches: int) -> None:
    for index in range(1, num_blocks):
        _, tokens = _read_matrix(shapes, f"blocks.{index}.token_mixing.fc1.weight")
        if tokens != num_patches:
            raise CheckpointError(
                f"The token mixing of block {index} reads {tokens} tokens but that of block 0 reads {num_patches}; "
                "a Mixer keeps one number of tokens, so this file mixes two models or is of another architecture."
            )


def _check_shapes(shapes: Shapes, config: MixerConfig) -> None:
    """Compare every tensor with the model that `config` describes; the model is built without memory."""
    with torch.device("meta"):
        expected = {name: tuple(value.shape) for name, value in MlpMixer(config).state_dict().items()}
    missing = [name for name in expected if name not in shapes]
    if missing == ["norm.weight", "norm.bias"]:
        raise CheckpointError(
            "These weights have no last LayerNorm, so their network is another one than the paper's Mixer; choose one "
            "that has it."
        )
    if missing:
        raise CheckpointError(f"These weights lack {_listed(missing)}; {_EXPORT_AGAIN}.")
    for name, shape in expected.items():
        if shapes[name] != shape:
            raise CheckpointError(_mismatch(name, shapes[name], shape))
    unused = [name for name in shapes if name not in expected]
    if unused:
        raise CheckpointError(
            f"This file has tensors that an MLP-Mixer does not use ({_listed(unused)}), so its equation differs; "
            "choose a plain MLP-Mixer."
        )


def _mismatch(name: str, found: tuple[int, ...], needed: tuple[int, ...]) -> str:
    if name.endswith("_mixing.fc2.weight") and found[0] == needed[0] and 2 * found[-1] == needed[-1]:
        return (
            f"{name} reads {found[-1]} hidden units but fc1 makes {needed[-1]}, so these weights look like a gMixer, "
            "whose MLPs are gated: a relative of the MLP-Mixer that this loader does not support."
        )
    return (
        f"{name} has shape {found}, but the other weights ask for {needed}; "
        "this file mixes two models or is damaged, so export the model again."
    )


def _listed(names: Iterable[str], limit: int = 3) -> str:
    names = [named(name) for name in names]
    rest = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {rest} more" if rest > 0 else "")
