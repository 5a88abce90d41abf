"""Growth of the cost against the formulas and torch's own count; published sizes against those their makers state."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mixer_viz.analysis.comparison.costs import CostCurve, cost_growth, mixers_on_grid, mixing_share
from mixer_viz.analysis.comparison.published import PUBLISHED, REPORTED, published_architectures
from mixer_viz.model import TOKEN_MIXERS, MetaFormer
from mixer_viz.model.token_mixer_table import metaformer_costs
from tests.model.made_metaformers import SIZES, config_of, with_sizes

GRIDS = (2, 4, 8, 16)
TOKENS = np.array(GRIDS) ** 2
C, D_S = SIZES.embed_dim, SIZES.tokens_mlp_dim


@pytest.fixture(scope="module")
def curves() -> dict[tuple[str, str | None], CostCurve]:
    return {(one.token_mixer, one.hidden_width): one for one in cost_growth(config_of("identity"), GRIDS)}


def test_there_is_a_curve_for_every_mixer_and_two_for_the_mlp(curves: dict[tuple[str, str | None], CostCurve]) -> None:
    others = [(name, None) for name in TOKEN_MIXERS if name != "mlp"]
    assert list(curves) == [("mlp", "kept"), ("mlp", "grows"), *others]
    for curve in curves.values():
        np.testing.assert_array_equal(curve.tokens, TOKENS)


def test_multiply_adds_per_token_by_the_formulas(curves: dict[tuple[str, str | None], CostCurve]) -> None:
    grown = np.array([1, 5, 20, 80])  # 5 for 16 tokens, in proportion, at 4 tokens 1.25 rounded
    expected = {
        ("mlp", "kept"): np.full(4, 2 * D_S * C),
        ("mlp", "grows"): 2 * grown * C,
        ("attention", None): 4 * C**2 + 2 * TOKENS * C,
        ("convolution", None): np.full(4, 9 * C),
        **{(name, None): np.zeros(4) for name in ("shift", "nonlocal_shift", "pooling", "identity")},
    }
    for key, curve in curves.items():
        np.testing.assert_array_equal(curve.multiply_adds_per_token, expected[key], err_msg=str(key))
        np.testing.assert_array_equal(curve.multiply_adds, expected[key] * TOKENS)
    np.testing.assert_array_equal(curves["mlp", "kept"].parameters, 2 * TOKENS * D_S + D_S + TOKENS)
    np.testing.assert_array_equal(curves["mlp", "grows"].parameters, 2 * TOKENS * grown + grown + TOKENS)
    np.testing.assert_array_equal(curves["attention", None].parameters, np.full(4, 4 * C**2 + 4 * C))


@pytest.mark.parametrize("grid", [3, 6])
def test_every_count_is_what_torch_counts_on_the_mixer_itself(grid: int) -> None:
    config = config_of("mlp", num_heads=7)  # which does not divide C
    for (one, hidden_width), curve in zip(mixers_on_grid(config, grid), cost_growth(config, (grid,)), strict=True):
        mixer, counter = TOKEN_MIXERS[one.token_mixer].build(one), FlopCounterMode(display=False)
        with torch.no_grad(), counter:
            mixer(torch.zeros(1, grid**2, C))
        assert (curve.token_mixer, curve.hidden_width) == (one.token_mixer, hidden_width)
        assert 2 * curve.multiply_adds[0] == counter.get_total_flops()
        assert curve.parameters[0] == sum(parameter.numel() for parameter in mixer.parameters())


def test_a_grid_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one grid, got none"):
        cost_growth(config_of("mlp"), ())
    with pytest.raises(ValueError, match="a grid of 0 must have at least 1"):
        cost_growth(config_of("mlp"), (4, 0))
    with pytest.raises(ValueError, match="embed_dim=10 must be at least 12"):
        cost_growth(with_sizes(config_of("mlp"), embed_dim=10), GRIDS)


@pytest.mark.parametrize("name", list(TOKEN_MIXERS))
def test_the_share_is_what_torch_counts_in_the_token_mixers(name: str) -> None:
    config = config_of(name)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        MetaFormer(config).eval()(torch.zeros(1, 3, 12, 12))
    counts = counter.get_flop_counts()
    mixing = sum(sum(operations.values()) for module, operations in counts.items() if module.endswith(".token_mixing"))
    found = mixing_share(config)
    assert found.token_mixers == pytest.approx(mixing / counter.get_total_flops(), rel=1e-12)
    if name == "attention":
        across = SIZES.num_blocks * 2 * SIZES.num_patches**2 * C
        assert found.across_locations == pytest.approx(across / metaformer_costs(config).total.multiply_adds, rel=1e-12)
        assert 0 < found.across_locations < found.token_mixers < 1
    else:
        assert found.across_locations == found.token_mixers
        assert (found.token_mixers > 0) is (name in ("mlp", "convolution"))


def test_published_architectures_have_the_sizes_that_their_makers_state() -> None:
    """Parameters and, to their rounding, GFLOPS of torchvision's tables of weights; the Mixer's as this project's."""
    rows = {row.name: row for row in published_architectures()}
    assert [(row.name, row.library) for row in rows.values()] == list(PUBLISHED)
    stated = {"ViT-B/16": (86_567_656, 17.56), "ResNet-50": (25_557_032, 4.09), "Mixer-B/16": (59_880_472, 12.60)}
    for name, (parameters, gigas) in stated.items():
        assert rows[name].parameters == parameters
        assert round(rows[name].multiply_adds / 1e9, 2) == gigas
        assert rows[name].image_size == 224


def test_reported_rows_are_those_of_the_paper() -> None:
    assert {row.pretraining for row in REPORTED} == {"ImageNet", "ImageNet-21k", "JFT-300M"}
    assert len({(row.model, row.pretraining) for row in REPORTED}) == len(REPORTED) == 10
    speeds = {(row.model, row.pretraining): row.images_per_second_per_core for row in REPORTED}
    # Per image, the same network takes longer at the larger size at which it was fine-tuned.
    assert speeds["Mixer-L/16", "ImageNet"] > speeds["Mixer-L/16", "ImageNet-21k"]
    for row in REPORTED:
        assert 70 < row.top1 < 90
        assert row.source.startswith("Tolstikhin et al. 2021, Table")
        assert (row.image_size == "224 px") is (row.pretraining == "ImageNet")
