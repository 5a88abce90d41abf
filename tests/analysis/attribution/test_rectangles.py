"""Attributions of a Mixer whose patches make 2 x 8: every method, in the picture's shape."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import mixer_viz as mv
from mixer_viz.analysis.attribution.masking import group_mask
from mixer_viz.analysis.attribution.methods import num_groups, num_windows
from mixer_viz.analysis.attribution.table import methods_for
from mixer_viz.model import MixerConfig, MlpMixer
from tests.analysis.attribution.made_attributions import ALL

WIDE = MixerConfig(
    image_size=4, image_width=16, patch_size=2, embed_dim=6, num_blocks=2, tokens_mlp_dim=5, channels_mlp_dim=7,
    num_classes=3,
)  # fmt: skip


@pytest.fixture(scope="module")
def wide() -> MlpMixer:
    torch.manual_seed(0)
    return MlpMixer(WIDE).eval().requires_grad_(False)


@pytest.mark.parametrize("method", ALL)
def test_every_method_keeps_the_shape(wide: MlpMixer, method: str) -> None:
    pixels = torch.randn(1, 3, 4, 16, generator=torch.Generator().manual_seed(1))
    result = mv.attribute(wide, pixels, 1, method)
    assert result.patch_map.shape == (16,)
    assert np.isfinite(result.patch_map).all()
    if result.pixel_map is not None:
        assert result.pixel_map.shape == (4, 16)
        np.testing.assert_allclose(
            result.pixel_map[2:4, 6:8].sum(), result.patch_map[11], atol=1e-12
        )  # row 1, column 3
    row = methods_for(WIDE)[method]
    assert result.forward_passes == row.passes(result.parameters).forward


def test_patch_ablation_takes_away_what_it_says(wide: MlpMixer) -> None:
    pixels = torch.randn(1, 3, 4, 16, generator=torch.Generator().manual_seed(1))
    result = mv.attribute(wide, pixels, 1, "patch_ablation", baseline="mean")
    without = pixels.clone()
    black = mv.attribute(wide, pixels, 1, "patch_ablation", baseline="black")
    assert not np.array_equal(result.patch_map, black.patch_map)
    without[:, :, 2:4, 6:8] = (0 - 0.5) / 0.5
    change = wide(pixels)[0, 1] - wide(without)[0, 1]
    np.testing.assert_allclose(black.patch_map[11], float(change), atol=1e-5)


@pytest.mark.parametrize(("group", "count"), [(1, 16), (2, 4), (3, 3), (7, 2)])
def test_groups_cover_the_grid(group: int, count: int) -> None:
    assert num_groups(WIDE, group) == count
    mask = group_mask(WIDE, group, torch.device("cpu"))
    assert mask.shape == (1, 1, 4, 16)
    assert mask.unique().tolist() == list(range(count))


def test_windows_are_counted_along_both_sides() -> None:
    assert num_windows(WIDE, 4, 2) == 1 * 7
    assert num_windows(WIDE, 3, 2) == 2 * 8
