"""Sizes of a Mixer, read from the shapes of its weights."""

from __future__ import annotations

import math
import re
from typing import Any

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.naming.tensors import EXPORT_AGAIN, Shapes, check_tensors, lacking
from mixer_viz.language import mark, noted
from mixer_viz.model import MixerConfig
from mixer_viz.model.wording import shown

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


def infer_sizes(
    shapes: Shapes, said: tuple[int, int] | None = None, settings: str = noted("The settings beside these weights")
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
    check_tensors(shapes, config)
    return config


def check_bounds(config: MixerConfig) -> None:
    """Raise CheckpointError for sizes beyond those above, which no Mixer that people use comes near."""
    tokens, hidden = config.num_patches, config.tokens_mlp_dim
    traced = config.num_blocks * (
        9 * tokens * config.embed_dim + 2 * config.embed_dim * hidden + 2 * tokens * config.channels_mlp_dim
    )
    weights = config.num_blocks * 2 * (tokens * hidden + config.embed_dim * config.channels_mlp_dim)
    most_traced = min(MAX_TRACE_NUMBERS, max(FREE_TRACE_NUMBERS, MAX_TRACE_RATIO * weights))
    mixing = noted("numbers in all mixing matrices (blocks times S times S)")
    for has, most, what in (
        (config.num_blocks, MAX_NUM_BLOCKS, noted("blocks")),
        (max(config.image_shape), MAX_IMAGE_SIZE, noted("pixels along a side of the picture")),
        (tokens, MAX_TOKENS, noted("tokens S")),
        (config.num_classes, MAX_NUM_CLASSES, noted("classes")),
        (traced, most_traced, noted("numbers to keep of one pass")),
        ((config.num_blocks + 1) * math.prod(config.image_shape), MAX_PIXEL_NUMBERS, noted("pixels times blocks")),
        (config.num_blocks * tokens**2, MAX_MIXING_NUMBERS, mixing),
    ):
        if has > most:
            raise CheckpointError(
                noted(
                    "This Mixer has {has:,} {what}, but at most {most:,} are accepted; choose a smaller one.",
                    has=has,
                    what=what,
                    most=most,
                )
            )


def _checked_config(**sizes: Any) -> MixerConfig:
    try:
        return MixerConfig(**sizes)
    except ValueError as exc:
        raise CheckpointError(
            noted("These weights make no Mixer because {reason}; export the model again.", reason=exc)
        ) from exc


def _count_blocks(shapes: Shapes) -> int:
    found = {int(match[1]) for name in shapes if (match := re.match(r"blocks\.(\d{1,9})\.", name))}
    if len(found) > MAX_NUM_BLOCKS or max(found, default=0) >= 2 * MAX_NUM_BLOCKS:
        raise CheckpointError(
            noted(
                "These weights have {count} blocks, numbered up to {last}, but at most {most} "
                "are accepted; choose a smaller Mixer.",
                count=len(found),
                last=max(found),
                most=MAX_NUM_BLOCKS,
            )
        )
    missing = sorted(set(range(max(found, default=0) + 1)) - found)
    if missing:
        sentence = mark("Block {block} is missing although the weights go up to block {last}; {advice}.")
        raise CheckpointError(noted(sentence, block=missing[0], last=max(found, default=0), advice=EXPORT_AGAIN))
    return len(found)


def _read_stem(shapes: Shapes) -> tuple[int, int, int]:
    """C, input channels and P of the patch embedding."""
    shape = _required(shapes, "stem.weight")
    if len(shape) != 4 or shape[2] != shape[3]:
        raise CheckpointError(
            noted(
                "The patch embedding has shape {shape}, but a square kernel (C, 3, P, P) is needed; "
                "only Mixers with square patches can be loaded.",
                shape=shape,
            )
        )
    if shape[1] != 3:
        raise CheckpointError(
            noted(
                "The patch embedding reads {channels} colour channels, but images here have 3; "
                "choose a Mixer trained on RGB images.",
                channels=shape[1],
            )
        )
    return shape[0], shape[1], shape[2]


def _picture(num_patches: int, patch_size: int, said: tuple[int, int] | None, settings: str) -> tuple[int, int]:
    """Height and width in pixels."""
    side = math.isqrt(num_patches)
    is_square = side**2 == num_patches
    if said is None:
        if not is_square:
            raise CheckpointError(
                noted(
                    "The token mixing reads S = {num_patches} tokens, which is no square number, and nothing says in "
                    'how many rows; add a side file with "image_size": [height, width] in pixels, in patches of '
                    "{patch_size}.",
                    num_patches=num_patches,
                    patch_size=patch_size,
                )
            )
        return side * patch_size, side * patch_size
    height, width = said
    if height % patch_size or width % patch_size or height * width != num_patches * patch_size**2 or height < 1:
        size = shown(height) if height == width else f"{shown(height)} x {shown(width)}"
        values = {"settings": settings, "size": size, "num_patches": num_patches, "patch_size": patch_size}
        if not is_square:
            sentence = noted(
                "{settings} say {size} px, but the weights read S = {num_patches} patches of {patch_size} px; "
                "correct the settings.",
                **values,
            )
        else:
            sentence = noted(
                "{settings} say {size} px, but the weights read S = {num_patches} patches of {patch_size} px, so "
                "images of {side} px where these are square; correct the settings.",
                side=side * patch_size,
                **values,
            )
        raise CheckpointError(sentence)
    return height, width


def _read_num_classes(shapes: Shapes) -> int:
    if "head.weight" not in shapes:
        raise CheckpointError(
            noted(
                "These weights have no classification head (head.weight), so they give features but no logits; "
                "export the model together with its head."
            )
        )
    return _read_matrix(shapes, "head.weight")[0]


def _read_matrix(shapes: Shapes, name: str) -> tuple[int, int]:
    shape = _required(shapes, name)
    if len(shape) != 2:
        raise CheckpointError(
            noted("{name} has shape {shape}, but a matrix is needed; export the model again.", name=name, shape=shape)
        )
    return shape[0], shape[1]


def _required(shapes: Shapes, name: str) -> tuple[int, ...]:
    if name not in shapes:
        raise lacking([name])
    return shapes[name]


def _check_same_tokens(shapes: Shapes, num_blocks: int, num_patches: int) -> None:
    for index in range(1, num_blocks):
        _, tokens = _read_matrix(shapes, f"blocks.{index}.token_mixing.fc1.weight")
        if tokens != num_patches:
            raise CheckpointError(
                noted(
                    "The token mixing of block {index} reads {tokens} tokens but that of block 0 reads {num_patches}; "
                    "a Mixer keeps one number of tokens, so this file mixes two models or is of another architecture.",
                    index=index,
                    tokens=tokens,
                    num_patches=num_patches,
                )
            )
