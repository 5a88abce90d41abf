from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mixer_viz.model import PRESETS, MixerConfig, MlpMixer
from mixer_viz.model.costs import Cost, Costs, costs, patch_size_options, with_patch_size

# Multiply-adds at 224 px with a 1000-class head, in units of 1e9, to the digits printed.
GIGA_MULTIPLY_ADDS = {
    "S/32": "1.00",
    "S/16": "3.78",
    "B/32": "3.24",
    "B/16": "12.6",
    "L/32": "11.3",
    "L/16": "44.55",  # 44.6 where a profiler also counts the additions of the biases or LayerNorm
    "H/14": "121",
    "small/4": "0.101058",  # 32 px, 10 classes: 393,216 + 8 (2,097,152 + 10,485,760) + 1,280
}


def counted_parameters(config: MixerConfig) -> dict[str, int]:
    with torch.device("meta"):
        model = MlpMixer(config)
    counted = dict.fromkeys(("stem", "token_mixing", "channel_mixing", "norms", "head"), 0)
    for name, parameter in model.named_parameters():
        part = name.split(".")[2] if name.startswith("blocks.") else name.split(".")[0]
        counted["norms" if part.startswith("norm") else part] += parameter.numel()
    return counted


@pytest.mark.parametrize("preset", PRESETS)
def test_parameters_of_every_part_equal_the_built_model(preset: str) -> None:
    result = costs(PRESETS[preset])
    counted = counted_parameters(PRESETS[preset])
    assert {part: getattr(result, part).parameters for part in counted} == counted
    assert result.total.parameters == sum(counted.values())
    assert result.without_head.parameters == sum(counted.values()) - counted["head"]


def test_every_preset_has_a_pinned_number_of_multiply_adds() -> None:
    assert set(PRESETS) == set(GIGA_MULTIPLY_ADDS)


@pytest.mark.parametrize("preset", PRESETS)
def test_multiply_adds_to_the_printed_digits(preset: str) -> None:
    printed = GIGA_MULTIPLY_ADDS[preset]
    decimals = len(printed.partition(".")[2])
    assert f"{costs(PRESETS[preset]).total.multiply_adds / 1e9:.{decimals}f}" == printed


def test_multiply_adds_equal_those_of_the_executed_products(tiny_config: MixerConfig, tiny_model: MlpMixer) -> None:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        tiny_model(torch.zeros(1, 3, 8, 8))
    assert counter.get_total_flops() == 2 * costs(tiny_config).total.multiply_adds


def test_token_mixing_of_b16_is_a_small_share() -> None:
    result = costs(PRESETS["B/16"])
    mixing, rest = result.token_mixing, result.without_head
    assert f"{mixing.parameters / rest.parameters:.1%}" == "3.1%"
    assert f"{mixing.multiply_adds / rest.multiply_adds:.0%}" == "11%"


def test_parts_of_a_mixer_small_enough_to_count_by_hand() -> None:
    config = MixerConfig(
        image_size=4, patch_size=2, embed_dim=3, num_blocks=2, tokens_mlp_dim=5, channels_mlp_dim=7, num_classes=10
    )
    assert costs(config) == Costs(
        stem=Cost(12 * 3 + 3, 4 * 12 * 3),
        token_mixing=Cost(2 * (4 * 5 + 5 + 5 * 4 + 4), 2 * 3 * (4 * 5 + 5 * 4)),
        channel_mixing=Cost(2 * (3 * 7 + 7 + 7 * 3 + 3), 2 * 4 * (3 * 7 + 7 * 3)),
        norms=Cost(5 * 6, 0),
        head=Cost(3 * 10 + 10, 3 * 10),
    )


def test_another_patch_size_changes_only_the_patches() -> None:
    base, finer = PRESETS["B/32"], with_patch_size(PRESETS["B/32"], 16)
    assert finer == PRESETS["B/16"]
    assert finer.num_patches == 4 * base.num_patches
    assert costs(finer).channel_mixing.multiply_adds == 4 * costs(base).channel_mixing.multiply_adds
    assert costs(finer).channel_mixing.parameters == costs(base).channel_mixing.parameters


def test_patch_size_that_does_not_divide_the_image_raises() -> None:
    with pytest.raises(ValueError, match="image_size=224 is not a multiple of patch_size=15"):
        with_patch_size(PRESETS["B/16"], 15)


def test_patch_size_options_of_the_base_model() -> None:
    options = patch_size_options(PRESETS["B/16"])
    assert [option.patch_size for option in options] == [4, 7, 8, 14, 16, 28, 32, 56, 112]
    own = next(option for option in options if option.is_own)
    assert (own.patch_size, own.grid_size, own.num_patches, own.patch_dim) == (16, 14, 196, 768)
    assert own.block_token_mixing_parameters == 2 * 196 * 384 + 384 + 196
    assert own.token_mixing_parameters == 12 * own.block_token_mixing_parameters
    assert own.parameters == 59_880_472
    assert own.token_mixing_multiply_adds == 12 * 768 * 2 * 196 * 384
    assert own.multiply_adds == pytest.approx(12.6e9, rel=0.005)
    b32 = next(option for option in options if option.patch_size == 32)
    assert b32.parameters == 60_293_428
    assert [option.is_own for option in options].count(True) == 1


@pytest.mark.parametrize(("patch_size", "expected"), [(2, [2, 4]), (1, [1, 2, 4]), (8, [2, 4, 8])])
def test_the_own_patch_size_is_always_there(tiny_config: MixerConfig, patch_size: int, expected: list[int]) -> None:
    options = patch_size_options(dataclasses.replace(tiny_config, patch_size=patch_size))
    assert [option.patch_size for option in options] == expected
    assert [option.patch_size for option in options if option.is_own] == [patch_size]
