"""Things switched off, against networks whose weights leave them out and passes written out by hand."""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from made_models import block_of, random_model, random_pixels, traces_left
from torch import Tensor

from mixer_viz.analysis.activations.ablation import Ablation, logits_with
from mixer_viz.analysis.token_mixing.unit_effect import logits_with_unit
from mixer_viz.model import MixerConfig, MlpMixer
from tests.analysis.made_traces import made_wide

Edit = Callable[[Tensor], Tensor]


def by_hand(model: MlpMixer, pixels: Tensor, place: tuple[int, str], edit: Edit) -> np.ndarray:
    """A pass written out, with `edit` applied to the matrix at (stage, "hidden", "branch" or "stream")."""

    def at(stage: int, name: str, values: Tensor) -> Tensor:
        return edit(values[0].clone())[None] if (stage, name) == place else values

    with torch.no_grad():
        x = at(0, "stream", model.embed(pixels))
        for index in range(len(model.blocks)):
            block, first, second = block_of(model, index), 2 * index + 1, 2 * index + 2
            mlp = block.token_mixing
            hidden = at(first, "hidden", mlp.gelu(mlp.fc1(block.norm1(x).transpose(1, 2))))
            x = at(first, "stream", x + at(first, "branch", mlp.fc2(hidden).transpose(1, 2)))
            mlp = block.channel_mixing
            hidden = at(second, "hidden", mlp.gelu(mlp.fc1(block.norm2(x))))
            x = at(second, "stream", x + at(second, "branch", mlp.fc2(hidden)))
        return model.head(model.norm(x).mean(dim=1))[0].numpy()


def row(index: int, fill: Callable[[Tensor], Tensor]) -> Edit:
    def edit(values: Tensor) -> Tensor:
        values[index] = fill(values)
        return values

    return edit


def column(index: int, fill: Callable[[Tensor], Tensor]) -> Edit:
    return lambda values: row(index, lambda turned: fill(turned.T)[index].expand(turned.shape[1]))(values.T).T


def everything(fill: Callable[[Tensor], Tensor]) -> Edit:
    return lambda values: fill(values).expand_as(values)


FILLS: dict[str, Callable[[Tensor], Tensor]] = {
    "zero": lambda values: values.new_zeros(values.shape[1]),
    "mean": lambda values: torch.stack([values[:, column].sum() / len(values) for column in range(values.shape[1])]),
}


def cases() -> list[tuple[Ablation, tuple[int, str], Edit]]:
    found = []
    for to, fill in FILLS.items():
        for stage in range(5):
            found.append((Ablation("token", stage, 9, to), (stage, "stream"), row(9, fill)))
            found.append((Ablation("channel", stage, 2, to), (stage, "stream"), column(2, fill)))
        for stage in range(1, 5):
            found.append((Ablation("branch", stage, to=to), (stage, "branch"), everything(fill)))
            found.append((Ablation("unit", stage, 4, to), (stage, "hidden"), column(4, fill)))
    return found


@pytest.mark.parametrize(("ablation", "place", "edit"), cases(), ids=[str(ablation) for ablation, *_ in cases()])
def test_one_thing_switched_off(
    tiny_config: MixerConfig, ablation: Ablation, place: tuple[int, str], edit: Edit
) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    found = logits_with(model, pixels, ablation)
    assert found.shape == (10,)
    assert np.abs(found - logits_with(model, pixels, [])).max() > 1e-4
    np.testing.assert_allclose(found, by_hand(model, pixels, place, edit), rtol=1e-10)


def test_nothing_switched_off_is_the_plain_pass_to_the_bit(tiny_config: MixerConfig) -> None:
    for dtype in (torch.float32, torch.float64):
        model, pixels = random_model(tiny_config, dtype), random_pixels(tiny_config, dtype=dtype)
        found = logits_with(model, pixels, ())
        np.testing.assert_array_equal(found, model(pixels)[0].detach())
        assert found.dtype == model(pixels).detach().numpy().dtype


def test_zeros_are_zeros_in_the_weights(tiny_config: MixerConfig) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    without = copy.deepcopy(model)
    block_of(without, 0).token_mixing.fc2.weight.data[:, 3] = 0
    block_of(without, 0).channel_mixing.fc2.weight.data[:, 6] = 0
    block_of(without, 1).token_mixing.fc2.weight.data.zero_()
    block_of(without, 1).token_mixing.fc2.bias.data.zero_()
    without.stem.weight.data[5] = 0
    assert without.stem.bias is not None
    without.stem.bias.data[5] = 0
    several = [Ablation("unit", 1, 3), Ablation("branch", 3), Ablation("channel", 0, 5), Ablation("unit", 2, 6)]
    expected = without(pixels)[0].detach()
    np.testing.assert_allclose(logits_with(model, pixels, several), expected, rtol=1e-10)
    np.testing.assert_allclose(logits_with(model, pixels, several[::-1]), expected, rtol=1e-10)
    unit = logits_with_unit(model, pixels, 1, 2, [0])[0]
    np.testing.assert_allclose(logits_with(model, pixels, Ablation("unit", 3, 2)), unit, rtol=1e-12)


def test_several_at_one_place_share_the_mean_from_before(tiny_config: MixerConfig) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)

    def both(values: Tensor) -> Tensor:
        mean = values.mean(dim=0)
        values[1], values[4] = mean, mean
        return values

    pair = [Ablation("token", 2, 1, "mean"), Ablation("token", 2, 4, "mean")]
    expected = by_hand(model, pixels, (2, "stream"), both)
    np.testing.assert_allclose(logits_with(model, pixels, pair), expected, rtol=1e-10)
    np.testing.assert_allclose(logits_with(model, pixels, pair[::-1]), expected, rtol=1e-10)


def test_where_two_meet_the_later_one_counts(tiny_config: MixerConfig) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    cross = [Ablation("token", 3, 1), Ablation("channel", 3, 2, "mean")]

    def token_first(values: Tensor) -> Tensor:
        mean = values[:, 2].mean()
        values[1] = 0
        values[:, 2] = mean
        return values

    found = logits_with(model, pixels, cross)
    np.testing.assert_allclose(found, by_hand(model, pixels, (3, "stream"), token_first), rtol=1e-10)
    assert np.abs(found - logits_with(model, pixels, cross[::-1])).max() > 1e-5


def test_all_branches_off_leave_the_embedding(tiny_config: MixerConfig) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    found = logits_with(model, pixels, [Ablation("branch", stage) for stage in range(1, 5)])
    expected = model.head(model.norm(model.embed(pixels)).mean(dim=1))[0].detach()
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_sizes_of_b16() -> None:
    model, one = made_wide()
    far = [Ablation("token", 0, 195), Ablation("channel", 4, 767), Ablation("unit", 3, 383), Ablation("unit", 4, 3071)]
    for ablation in (*far, far, Ablation("branch", 2, to="mean")):
        found = logits_with(model, one.pixels, ablation)
        assert found.shape == (1000,)
        assert 0 < np.abs(found - one.logits[0].numpy()).max() < 100


def test_eight_threads_on_one_model_give_the_same_and_leave_nothing(tiny_config: MixerConfig) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    before, weights, kept = traces_left(model), copy.deepcopy(model.state_dict()), pixels.clone()
    chosen = [ablation for ablation, _, _ in cases()]
    alone = [logits_with(model, pixels, ablation) for ablation in chosen]
    with ThreadPoolExecutor(8) as pool:
        for found, expected in zip(pool.map(lambda a: logits_with(model, pixels, a), chosen), alone, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert traces_left(model) == before
    assert torch.equal(pixels, kept)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
