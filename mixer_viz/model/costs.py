"""What a Mixer costs, counted from its config alone: each part, and with patches of another size."""

from __future__ import annotations

import dataclasses
import math

from mixer_viz.model.config import MixerConfig

MAX_OPTION_TOKENS = 4096  # token mixing over more tokens is not a choice anyone makes


@dataclasses.dataclass(frozen=True)
class Cost:
    """Cost of one part of the network."""

    parameters: int
    multiply_adds: int  # per image; one multiply-add (MAC) is one multiplication and one addition

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.parameters + other.parameters, self.multiply_adds + other.multiply_adds)


@dataclasses.dataclass(frozen=True)
class Costs:
    """Cost of every part, each summed over all blocks; multiply-adds of the matrix products alone."""

    stem: Cost
    token_mixing: Cost
    channel_mixing: Cost
    norms: Cost  # parameters only: LayerNorm has no matrix product
    head: Cost

    @property
    def without_head(self) -> Cost:
        """Everything but the classifier: what the paper's Table 1 counts."""
        return self.stem + self.token_mixing + self.channel_mixing + self.norms

    @property
    def total(self) -> Cost:
        """The whole network, the classifier included."""
        return self.without_head + self.head


def costs(config: MixerConfig) -> Costs:
    """Count parameters and multiply-adds per image of every part of the Mixer that `config` describes.

    Multiply-adds are those of the matrix products. Biases, LayerNorm, GELU, skip connections and the mean over tokens
    count as none; profilers that include them read up to 0.2 % more.
    """
    tokens, channels = config.num_patches, config.embed_dim
    token_mixing = _mlp(tokens, config.tokens_mlp_dim, repeats=channels)
    channel_mixing = _mlp(channels, config.channels_mlp_dim, repeats=tokens)
    num_norms = 2 * config.num_blocks + 1  # two in every block, one before the head
    return Costs(
        stem=_linear(config.patch_dim, channels, repeats=tokens),
        token_mixing=_times(token_mixing, config.num_blocks),
        channel_mixing=_times(channel_mixing, config.num_blocks),
        norms=Cost(num_norms * 2 * channels, 0),
        head=_linear(channels, config.num_classes, repeats=1),
    )


def with_patch_size(config: MixerConfig, patch_size: int) -> MixerConfig:
    """The same Mixer cut into patches of another side: P and with it S change; C, D_S, D_C and L stay.

    Raises ValueError when `patch_size` does not divide the image size.
    """
    return dataclasses.replace(config, patch_size=patch_size)


def _linear(inputs: int, outputs: int, repeats: int) -> Cost:
    """One linear layer with bias, applied to `repeats` vectors of one image."""
    return Cost(inputs * outputs + outputs, repeats * inputs * outputs)


def _mlp(width: int, hidden: int, repeats: int) -> Cost:
    return _linear(width, hidden, repeats) + _linear(hidden, width, repeats)


def _times(cost: Cost, count: int) -> Cost:
    return Cost(count * cost.parameters, count * cost.multiply_adds)


@dataclasses.dataclass(frozen=True)
class PatchSizeOption:
    """What the same Mixer would cost with patches of another side."""

    patch_size: int
    grid_shape: tuple[int, int]
    num_patches: int  # S
    patch_dim: int
    block_token_mixing_parameters: int  # one block, 2 S D_S + D_S + S
    token_mixing_parameters: int  # all blocks
    parameters: int  # the whole network, head included
    token_mixing_multiply_adds: int  # all blocks, per image
    multiply_adds: int  # the whole network, per image
    is_own: bool  # whether the model has this patch size

    @property
    def grid_size(self) -> int:
        """Patches along the height."""
        return self.grid_shape[0]


def patch_size_options(config: MixerConfig) -> tuple[PatchSizeOption, ...]:
    """Every patch size this image size could be cut into, smallest first, with what it would cost.

    Sizes of at least 2 that divide height and width of the image and give 2 to MAX_OPTION_TOKENS tokens, and always
    the model's own; C, D_S, D_C and the number of blocks stay.
    """
    shared = math.gcd(*config.image_shape)
    divisors = [size for size in range(1, shared + 1) if shared % size == 0]
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
        grid_shape=config.grid_shape,
        num_patches=config.num_patches,
        patch_dim=config.patch_dim,
        block_token_mixing_parameters=cost.token_mixing.parameters // config.num_blocks,
        token_mixing_parameters=cost.token_mixing.parameters,
        parameters=cost.total.parameters,
        token_mixing_multiply_adds=cost.token_mixing.multiply_adds,
        multiply_adds=cost.total.multiply_adds,
        is_own=is_own,
    )
