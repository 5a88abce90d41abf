"""A config whose picture is wider than high, and what follows from it."""

from __future__ import annotations

import dataclasses

import pytest

from mixer_viz.model import MetaFormerConfig, MixerConfig
from mixer_viz.model.costs import patch_size_options

WIDE = MixerConfig(
    image_size=8, image_width=32, patch_size=4, embed_dim=6, num_blocks=1, tokens_mlp_dim=5, channels_mlp_dim=7
)


def test_rows_times_columns() -> None:
    assert (WIDE.image_shape, WIDE.grid_shape, WIDE.num_patches) == ((8, 32), (2, 8), 16)
    with pytest.raises(ValueError, match="2 x 8 patches is not square"):
        _ = WIDE.grid_size
    assert MixerConfig.from_json(WIDE.to_json()) == WIDE


def test_a_square_has_one_spelling() -> None:
    square = dataclasses.replace(WIDE, image_width=8)
    assert square == dataclasses.replace(WIDE, image_width=None)
    assert (square.grid_size, square.grid_shape) == (2, (2, 2))


@pytest.mark.parametrize(("width", "words"), [(30, "image_width=30"), (0, "at least 1"), (8.5, "whole number")])
def test_widths_that_do_not_fit(width: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(WIDE, image_width=width)


def test_the_networks_compared_see_squares() -> None:
    with pytest.raises(ValueError, match="8 x 32 px are not square"):
        MetaFormerConfig(sizes=WIDE)


def test_other_patch_sizes_divide_both_sides() -> None:
    assert [(option.patch_size, option.grid_shape) for option in patch_size_options(WIDE)] == [
        (2, (4, 16)),
        (4, (2, 8)),
        (8, (1, 4)),
    ]
