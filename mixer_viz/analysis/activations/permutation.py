"""Shuffled patches: the prediction under any order of the patches, and the weights that make the order not matter.

Token mixing is the only place where a token's position counts. If the patches are put in another order, the network
with the columns of every W1, and the rows of every W2 with its bias, in that same order gives the same logits exactly.
Shuffling the patches for a trained network is another experiment than that of the paper (Tolstikhin et al. 2021,
section 3.4, Figure 4), which trained networks on images permuted in one fixed way: those learn the order as any other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mixer_viz.analysis.arrays import one_image, to_double
from mixer_viz.analysis.patches import image_to_patches, patches_to_image
from mixer_viz.analysis.ranges import check_range
from mixer_viz.model import MlpMixer
from mixer_viz.model.mixer import check_pixels

Order = Sequence[int] | np.ndarray


@dataclasses.dataclass(frozen=True)
class ShuffledPrediction:
    """One image with its patches in another order, seen by the network as it is and by the one permuted alike."""

    order: np.ndarray  # (S,) int, place s shows patch order[s]
    pixels: np.ndarray  # (3, H, W) float64, the shuffled image, normalised
    logits: np.ndarray  # (num_classes,) float64, of the image in its own order
    shuffled_logits: np.ndarray  # (num_classes,) float64, the network on the shuffled image
    permuted_logits: np.ndarray  # (num_classes,) float64, the permuted network on the shuffled image
    identity_gap: float  # largest |permuted_logits - logits|: 0 but for rounding


def identity_order(num_patches: int) -> np.ndarray:
    """Every patch where it is: (S,) int. Raises ValueError below one patch."""
    if num_patches < 1:
        raise ValueError(f"num_patches={num_patches} must be at least 1")
    return np.arange(num_patches)


def swapped_order(order: Order, first: int, second: int) -> np.ndarray:
    """A copy of `order` in which two places have changed patches: (S,) int. Raises ValueError for an unknown place."""
    swapped = checked_order(order, len(order))
    for name, place in (("first", first), ("second", second)):
        check_range(name, place, len(swapped))
    swapped[[first, second]] = swapped[[second, first]]
    return swapped


def reversed_rows_order(grid: int | tuple[int, int]) -> np.ndarray:
    """The rows of patches from bottom to top, each patch upright as it was: (S,) int.

    Args:
        grid: rows and columns, or one number where these are equal.
    """
    rows, columns = (grid, grid) if isinstance(grid, int) else grid
    return identity_order(rows * columns).reshape(rows, columns)[::-1].ravel()


def random_order(num_patches: int, seed: int) -> np.ndarray:
    """A random order of the patches, always the same for one seed: (S,) int."""
    return np.random.default_rng(seed).permutation(identity_order(num_patches))


def checked_order(order: Order, num_patches: int) -> np.ndarray:
    """A copy of `order` as (S,) int; raises ValueError unless it holds every number from 0 to S - 1 once."""
    array = np.asarray(order)
    if array.ndim != 1 or not np.array_equal(np.sort(array), np.arange(num_patches)):
        raise ValueError(f"the order must hold each of the {num_patches} patches from 0 to {num_patches - 1} once")
    return array.astype(np.int64)  # a copy, also of one that is int64


def permute_patches(pixels: Tensor, order: Order, patch_size: int) -> Tensor:
    """Put patches of images (N, 3, H, W) in another order: place s shows patch order[s]; the inside stays as it is.

    Raises ValueError when `patch_size` does not divide height and width, or `order` is no permutation of the patches.
    """
    patches = image_to_patches(pixels, patch_size)
    chosen = torch.from_numpy(checked_order(order, patches.shape[1])).to(pixels.device)
    grid = (pixels.shape[2] // patch_size, pixels.shape[3] // patch_size)
    return patches_to_image(patches[:, chosen], grid, pixels.shape[1])


def permuted_model(model: MlpMixer, order: Order) -> MlpMixer:
    """A new Mixer that gives for patches in `order` the logits that `model` gives for them in their own order.

    Columns of W1 and rows of W2 and b2 of every block are permuted copies. All other weights share their memory with
    `model`, which is not changed; so the new one is to be read, and not to be trained. Raises ValueError when `order`
    is no permutation of the S patches.
    """
    chosen = torch.from_numpy(checked_order(order, model.config.num_patches))
    state = {name: tensor.detach() for name, tensor in model.state_dict().items()}
    for name, tensor in state.items():
        if name.endswith("token_mixing.fc1.weight"):  # (D_S, S)
            state[name] = tensor[:, chosen.to(tensor.device)]
        elif ".token_mixing.fc2." in name:  # (S, D_S) and (S,)
            state[name] = tensor[chosen.to(tensor.device)]
    with torch.device("meta"):  # no memory and no random numbers for weights that are replaced at once
        permuted = MlpMixer(model.config)
    permuted.load_state_dict(state, assign=True)
    return permuted.train(model.training).requires_grad_(False)


@torch.no_grad()
def shuffled_prediction(model: MlpMixer, pixels: Tensor, order: Order) -> ShuffledPrediction:
    """Logits of one image before and after its patches are put in `order`, and the identity of the permuted network.

    Args:
        pixels: (1, 3, H, W), normalised, on the model's device.
    Raises ValueError when `order` is no permutation, for several images, or an image of the wrong size.
    """
    one_image(pixels)
    check_pixels(pixels, model.config)
    shuffled = permute_patches(pixels, order, model.config.patch_size)
    permuted = permuted_model(model, order)
    logits, shuffled_logits, permuted_logits = (
        to_double(one_image(network(image)))
        for network, image in ((model, pixels), (model, shuffled), (permuted, shuffled))
    )
    return ShuffledPrediction(
        order=checked_order(order, model.config.num_patches),
        pixels=to_double(shuffled[0]),
        logits=logits,
        shuffled_logits=shuffled_logits,
        permuted_logits=permuted_logits,
        identity_gap=float(np.abs(permuted_logits - logits).max()),
    )
