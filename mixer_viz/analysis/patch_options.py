"""What a Mixer would cost if its image were cut into patches of another size."""

from __future__ import annotations

import dataclasses

from mixer_viz.model import MixerConfig
from mixer_viz.model.costs import costs, with_patch_size

MAX_OPTION_TOKENS = 4096  # token mixing over more tokens is not a choice anyone makes


@dataclasses.dataclass(frozen=True)
class PatchSizeOption:
    """What the same Mixer would cost with patches of another side; counts as in `mixer_viz.model.costs`."""

    patch_size: int
    grid_size: int
    num_patches: int  # S
    patch_dim: int
    block_token_mixing_parameters: int  # one block, 2 S D_S + D_S + S
    token_mixing_parameters: int  # all blocks
    parameters: int  # the whole network, head included
    token_mixing_multiply_adds: int  # all blocks, per image
    multiply_adds: int  # the whole network, per image
    is_own: bool  # whether the model has this patch size


def patch_size_options(config: MixerConfig) -> tuple[PatchSizeOption, ...]:
    """Every patch size this image size could be cut into, smallest first, with what it would cost.

    Sizes of at least 2 that divide the image size and give 2 to MAX_OPTION_TOKENS tokens, and always the model's own;
    C, D_S, D_C and the number of blocks stay.
    """
    divisors = [size for size in range(1, config.image_size + 1) if config.image_size % size == 0]
    options = [_option(with_patch_size(config, size), is_own=size == config.patch_size) for size in divisors]
    return tuple(
        option
        for option in options
        if option.is_own or (option.patch_size >= 2 and 1 < option.num_patches <= MAX_OPTION_TOKENS)
    )


def _option(config: MixerConfig, is_own: bool) -> PatchSizeOption:
    cost = costs(config)
    return PatchSizeOption(
        patch_size=config.patch_size,
        grid_size=config.grid_size,
        num_patches=config.num_patches,
        patch_dim=config.patch_dim,
        block_token_mixing_parameters=cost.token_mixing.parameters // config.num_blocks,
        token_mixing_parameters=cost.token_mixing.parameters,
        parameters=cost.total.parameters,
        token_mixing_multiply_adds=cost.token_mixing.multiply_adds,
        multiply_adds=cost.total.multiply_adds,
        is_own=is_own,
    )
