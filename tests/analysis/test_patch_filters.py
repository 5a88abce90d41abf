"""The patch-embedding filters: layout, frequency over three colours, and order."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mixer_viz.analysis import patches as analysis
from mixer_viz.analysis.spectrum import mean_radial_frequency
from mixer_viz.model import MixerConfig, MlpMixer


def filters_with(values: np.ndarray) -> analysis.Filters:
    """`filters_of` a model whose stem holds `values` (C, P, P, 3)."""
    num_filters, patch_size = values.shape[:2]
    config = MixerConfig(
        image_size=2 * patch_size,
        patch_size=patch_size,
        embed_dim=num_filters,
        num_blocks=1,
        tokens_mlp_dim=2,
        channels_mlp_dim=2,
    )
    model = MlpMixer(config)
    with torch.no_grad():
        model.stem.weight.copy_(torch.from_numpy(values).permute(0, 3, 1, 2))
    return analysis.filters_of(model)


def test_filters_are_the_weights_with_colour_last(tiny_model: MlpMixer) -> None:
    filters = analysis.filters_of(tiny_model)
    weight = tiny_model.stem.weight.detach()
    assert filters.values.shape == (6, 2, 2, 3)
    assert filters.values[4, 1, 0, 2] == weight[4, 2, 1, 0]
    assert tiny_model.stem.bias is not None
    np.testing.assert_array_equal(filters.bias, tiny_model.stem.bias.detach().numpy())
    np.testing.assert_allclose(filters.norm, weight.flatten(1).norm(dim=1).numpy(), rtol=1e-6)
    filters.values[:] = 0
    assert weight.abs().sum() > 0


def test_filter_frequency_sums_power_over_colours() -> None:
    x = np.arange(8) / 8
    slow, fast = (np.tile(np.cos(2 * np.pi * cycles * x), (8, 1)) for cycles in (1, 3))
    opponent = np.stack([slow, -slow, 0 * slow], axis=-1)  # the mean over colours is zero, the pattern is not
    mixed = np.stack([3 * slow, fast, np.full((8, 8), 7.0)], axis=-1)
    flat = np.full((8, 8, 3), 0.1)
    frequency = filters_with(np.stack([opponent, mixed, flat]).astype(np.float32)).frequency
    np.testing.assert_allclose(frequency, [1 / 8, (9 * 1 + 1 * 3) / 10 / 8, 0], rtol=1e-6)
    grey = np.random.default_rng(0).normal(size=(1, 8, 8, 1)).astype(np.float32)
    np.testing.assert_allclose(
        filters_with(np.repeat(grey, 3, axis=3)).frequency, mean_radial_frequency(grey[..., 0]), rtol=1e-6
    )


def test_filter_order() -> None:
    filters = analysis.Filters(
        values=np.zeros((4, 2, 2, 3), dtype=np.float32),
        bias=np.zeros(4, dtype=np.float32),
        norm=np.array([2, 3, 3, 5], dtype=np.float32),
        frequency=np.array([0.4, 0.1, 0.4, 0.2]),
    )
    assert analysis.filter_order(filters).tolist() == [3, 1, 2, 0]
    assert analysis.filter_order(filters, "frequency").tolist() == [1, 3, 0, 2]
    response = np.array([0.5, -4, 0, 2])
    assert analysis.filter_order(filters, "response", response).tolist() == [1, 3, 0, 2]
    assert analysis.filter_order(filters, "index").tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="None"):
        analysis.filter_order(filters, "response")
    with pytest.raises(ValueError, match=r"\(4,\), got \(3,\)"):
        analysis.filter_order(filters, "response", response[:3])
    with pytest.raises(ValueError, match="'size'"):
        analysis.filter_order(filters, "size")  # type: ignore[arg-type]
