"""Images per second of whole networks, and time per token of one token mixer as the number of tokens grows.

Measured on this machine in one race; `metaformer_costs` counts the same. The two need not agree: a shift costs no
multiply-add but moves all its numbers, and a small matrix product leaves most of a GPU idle.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from mixer_viz.analysis.chunks import Cancelled, Precision, Progress
from mixer_viz.analysis.comparison.costs import HiddenWidth, mixers_on_grid
from mixer_viz.analysis.comparison.timing import Conditions, conditions_of, race
from mixer_viz.model import TOKEN_MIXERS, MetaFormerConfig
from mixer_viz.model.metaformer_config import TokenMixerName

_DTYPES: dict[Precision, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_SEED = 0  # of the random images; what they show does not matter


@dataclasses.dataclass(frozen=True)
class NetworkSpeed:
    """One network's speed in R rounds."""

    name: str
    passes: int  # forward passes in each round
    images_per_second: np.ndarray  # (R,) float64

    @property
    def median(self) -> float:
        """Images per second in the middle round."""
        return float(np.median(self.images_per_second))

    @property
    def slowest(self) -> float:
        """Images per second in the slowest round."""
        return float(self.images_per_second.min())

    @property
    def fastest(self) -> float:
        """Images per second in the fastest round."""
        return float(self.images_per_second.max())


@dataclasses.dataclass(frozen=True)
class Throughput:
    """Speeds of several networks in one race."""

    conditions: Conditions
    image_shape: tuple[int, int, int]  # channels, height, width
    rows: tuple[NetworkSpeed, ...]  # in the order in which the networks were given


@dataclasses.dataclass(frozen=True)
class MixerSpeed:
    """What one token mixer alone takes on one grid, in R rounds."""

    token_mixer: TokenMixerName
    hidden_width: HiddenWidth | None  # what became of the MLP's D_S, as in `CostCurve`
    tokens: int  # S
    seconds: np.ndarray  # (R,) float64, per image

    @property
    def median_per_token(self) -> float:
        """Seconds per token in the middle round."""
        return float(np.median(self.seconds)) / self.tokens


@dataclasses.dataclass(frozen=True)
class MixerSpeeds:
    """Speeds of all token mixers on several grids in one race."""

    conditions: Conditions
    embed_dim: int  # C
    rows: tuple[MixerSpeed, ...]  # grid after grid, in each the order of `cost_growth`


@torch.no_grad()
def measure_throughput(
    networks: Mapping[str, nn.Module],
    image_shape: tuple[int, int, int],
    *,
    batch: int = 16,
    precision: Precision = "float32",
    rounds: int = 7,
    turn_seconds: float = 0.2,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Throughput:
    """Forward passes of every network on the same random images, in the way of `timing.race`.

    Args:
        networks: in eval mode, all on one device; they are left as they are.
        precision: "bfloat16" measures a copy with all weights in it; "float32" is what networks are loaded with.
    Raises ValueError for no network, one in training mode, several devices, or counts below one; AnalysisCancelled
    when told to stop.
    """
    device = _common_device(networks)
    conditions = conditions_of(device, batch, precision, rounds, turn_seconds)
    generator = torch.Generator().manual_seed(_SEED)
    pixels = torch.randn(batch, *image_shape, generator=generator).to(device, _DTYPES[precision])
    rivals = {name: functools.partial(_in(precision, network), pixels) for name, network in networks.items()}
    timings = race(rivals, device, conditions, progress, cancelled)
    rows = tuple(NetworkSpeed(name, timing.passes, batch / timing.seconds) for name, timing in timings.items())
    return Throughput(conditions, image_shape, rows)


@torch.no_grad()
def measure_mixers(
    config: MetaFormerConfig,
    grids: Sequence[int],
    device: torch.device,
    *,
    batch: int = 1,
    precision: Precision = "float32",
    rounds: int = 5,
    turn_seconds: float = 0.02,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> MixerSpeeds:
    """One token mixer alone, with random weights, on grids of these sides: the measured side of `cost_growth`.

    Attention on S tokens takes about 8 * batch * heads * S**2 bytes in float32: 170 MB for 48 x 48 and 4 heads.
    Raises ValueError as `cost_growth` does and for counts below one; AnalysisCancelled when told to stop.
    """
    if not grids:
        raise ValueError("the speed of the mixers needs at least one grid, got none")
    conditions = conditions_of(device, batch, precision, rounds, turn_seconds)
    generator, rivals = torch.Generator().manual_seed(_SEED), {}
    for grid in dict.fromkeys(grids):
        tokens = torch.randn(batch, grid**2, config.sizes.embed_dim, generator=generator)
        tokens = tokens.to(device, _DTYPES[precision])
        for one, hidden_width in mixers_on_grid(config, grid):
            mixer = TOKEN_MIXERS[one.token_mixer].build(one).to(device, _DTYPES[precision]).eval()
            rivals[one.token_mixer, hidden_width, grid**2] = functools.partial(mixer, tokens)
    timings = race(rivals, device, conditions, progress, cancelled)
    rows = tuple(MixerSpeed(*key, timing.seconds / batch) for key, timing in timings.items())
    return MixerSpeeds(conditions, config.sizes.embed_dim, rows)


def _common_device(networks: Mapping[str, nn.Module]) -> torch.device:
    """The device that all networks are on; raises ValueError where they cannot race."""
    training = [name for name, network in networks.items() if network.training]
    if training:
        raise ValueError(f"{', '.join(training)}: in training mode; call eval() first")
    devices = {parameter.device for network in networks.values() for parameter in network.parameters()}
    if len(devices) != 1:
        raise ValueError(f"the networks to measure must be on one device, got {len(devices)}")
    return devices.pop()


def _in(precision: Precision, network: nn.Module) -> nn.Module:
    return network if precision == "float32" else copy.deepcopy(network).to(_DTYPES[precision])
