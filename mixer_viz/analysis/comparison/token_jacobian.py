"""The token Jacobian of any of the seven token mixers: who listens to whom, by one definition and on one scale.

It is the derivative of the token mixer alone at one image: its output, before the skip connection, with respect to its
input, which is behind the LayerNorm. For the Mixer's MLP it is what `token_mixing/jacobian.py` calls A, for the fixed
linear mixers their matrices themselves, and for attention it holds both ways in which a token counts: as a value that
is passed on, and as a query or key that changes how much of the others is passed on. The attention weights alone leave
out the second way and all matrices, so they are beside it, not instead of it.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from mixer_viz.analysis.arrays import one_image, probabilities, to_double
from mixer_viz.analysis.comparison.closed_forms import mixer_derivative
from mixer_viz.analysis.ranges import check_range
from mixer_viz.model import MetaFormer
from mixer_viz.model.token_mixers import SelfAttention

_INPUT_SIZES = ("image_size", "in_channels", "mean", "std", "interpolation", "crop_pct", "num_classes", "class_names")


@dataclasses.dataclass(frozen=True)
class MetaFormerJacobian:
    """One block's token mixing at one image; t is the token written to, s the token read, in the network's order."""

    block: int  # counted from 0
    token_mixer: str
    strength: np.ndarray  # (S, S) float64 [t, s], Frobenius norm over both channels of d out[t, :] / d in[s, :]
    share: np.ndarray  # (S, S) float64, `strength` with rows that sum to 1; one that is all 0 stays so
    same_channel: np.ndarray  # (S, S) float64 [t, s], signed, mean over c of d out[t, c] / d in[s, c]
    attention: np.ndarray | None  # (heads, S, S) float64 [head, t, s], rows sum to 1; None without attention


@dataclasses.dataclass(frozen=True)
class MetaFormerPrediction:
    """What one of the networks answers to one image."""

    name: str
    logits: np.ndarray  # (num_classes,) float64
    probabilities: np.ndarray  # (num_classes,) float64, their softmax


@torch.no_grad()
def metaformer_jacobian(network: MetaFormer, pixels: Tensor, block: int) -> MetaFormerJacobian:
    """The derivative of one block's token mixer at one image, in closed form, computed in float64 on the CPU.

    The forward pass up to the block is in the network's own precision, and shift and pooling, which have no weights,
    are read off in float32. The work is C products of (S, D_S) and (D_S, S) for the MLP and S products of (S, heads)
    and (heads, C**2) for attention, less than a second for networks of the comparison's size.

    Args:
        pixels: (1, 3, H, W), normalised, on the network's device, in their natural order.
    Raises ValueError for a block that is not there, several images, or an image of the wrong size.
    """
    tokens = normalised_tokens(network, pixels, block)
    # A copy, as float64 is not there on every accelerator and the network belongs to others as well.
    mixer = copy.deepcopy(network.get_submodule(f"blocks.{block}.token_mixing")).cpu().double()
    strength, same_channel = mixer_derivative(mixer, tokens)
    total = strength.sum(axis=1, keepdims=True)
    return MetaFormerJacobian(
        block=block,
        token_mixer=network.metaformer_config.token_mixer,
        strength=strength,
        share=strength / np.where(total == 0, 1.0, total),
        same_channel=same_channel,
        attention=to_double(one_image(mixer.attention(tokens[None]))) if isinstance(mixer, SelfAttention) else None,
    )


@torch.no_grad()
def normalised_tokens(network: MetaFormer, pixels: Tensor, block: int) -> Tensor:
    """What the mixer of `block` reads at one image: (S, C) float64 on the CPU; errors of `metaformer_jacobian`."""
    check_range("block", block, network.config.num_blocks)
    one_image(pixels)
    tokens = network.embed(pixels)
    for earlier in network.blocks[:block]:
        tokens = earlier(tokens)
    return one_image(network.get_submodule(f"blocks.{block}.norm1")(tokens)).cpu().double()


@torch.no_grad()
def predictions(networks: Mapping[str, MetaFormer], pixels: Tensor) -> tuple[MetaFormerPrediction, ...]:
    """The answer of every network to one image, in their order.

    Args:
        pixels: (1, 3, H, W), normalised, on the networks' device, in their natural order.
    Raises ValueError for several images, one of the wrong size, or networks that need different pixels or classes.
    """
    one_image(pixels)
    for name in _INPUT_SIZES:
        if len({getattr(network.config, name) for network in networks.values()}) > 1:
            raise ValueError(f"these networks cannot be compared on the same pixels: their {name} differs")
    found = []
    for name, network in networks.items():
        logits = to_double(one_image(network(pixels)))
        found.append(MetaFormerPrediction(name, logits, probabilities(logits)))
    return tuple(found)
