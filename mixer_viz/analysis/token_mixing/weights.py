"""The hidden units of one token-mixing MLP: their weights, what can be measured on them, and orders to show them in.

Hidden unit u reads the tokens with row u of W1 and writes to them with column u of W2. Each is S weights, one per
patch, drawn as a map over the grid of patches (Tolstikhin et al. 2021, Figure 5).
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from mixer_viz.analysis.arrays import to_array
from mixer_viz.analysis.frames import frame
from mixer_viz.analysis.ranges import block_of
from mixer_viz.analysis.spectrum import mean_radial_frequency, orientation
from mixer_viz.analysis.token_mixing.opposing_pairs import opposing_pairs, unit_rows
from mixer_viz.analysis.token_mixing.unit_maps import SPARSE_BELOW, locality, sparsity
from mixer_viz.language import noted
from mixer_viz.model import MlpMixer

UnitOrder = Literal["pairs", "frequency", "locality", "norm", "effect", "index"]

_DECIMALS = 9  # frequencies that differ by less are equal, so that rounding does not decide an order


@dataclasses.dataclass(frozen=True)
class MixingWeights:
    """Weights of one block's token mixing, W2 gelu(W1 x + b1) + b2; raises ValueError when shapes do not fit."""

    w1: np.ndarray  # (D_S, S) float32, row u: what unit u reads from each patch
    b1: np.ndarray  # (D_S,) float32
    w2: np.ndarray  # (S, D_S) float32, column u: what unit u writes to each patch
    b2: np.ndarray  # (S,) float32
    grid: tuple[int, int]  # patches along height and width; S is their product, in raster order

    def __post_init__(self) -> None:
        if self.w1.ndim != 2:
            raise ValueError(f"w1 must be (D_S, S), got {self.w1.shape}")
        units, tokens = self.w1.shape
        if self.grid[0] * self.grid[1] != tokens:
            raise ValueError(f"a grid of {self.grid[0]} x {self.grid[1]} does not hold the S={tokens} tokens of w1")
        for name, shape in (("b1", (units,)), ("w2", (tokens, units)), ("b2", (tokens,))):
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(f"{name} must be {shape} beside a w1 of {self.w1.shape}, got {found}")


@dataclasses.dataclass(frozen=True)
class Units:
    """Measures of the D_S hidden units of one block; those without a number are of the W1 rows."""

    frequency: np.ndarray  # (D_S,) float64, mean radial frequency, cycles per patch
    orientation: np.ndarray  # (D_S,) float64, degrees, see `unit_maps.orientation`
    orientation_strength: np.ndarray  # (D_S,) float64, 0 to 1
    locality: np.ndarray  # (D_S,) float64, radius in patches, see `unit_maps.locality`
    norm1: np.ndarray  # (D_S,) float64, length of the W1 row
    norm2: np.ndarray  # (D_S,) float64, length of the W2 column
    sparsity1: np.ndarray  # (D_S,) float64, share of the W1 row below 5 % of the largest |weight| of all W1
    sparsity2: np.ndarray  # (D_S,) float64, the same of the W2 column
    likeness: np.ndarray  # (D_S,) float64, cosine of the W1 row and the W2 column, both centred
    partner: np.ndarray  # (D_S,) int, the unit's one-to-one opposing partner, -1 for the one left over
    partner_cosine: np.ndarray  # (D_S,) float64, cosine of the two centred W1 rows; nan without a partner

    def to_frame(self) -> Any:
        """All measures as a pandas table, one row per unit."""
        columns = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return frame({"unit": np.arange(len(self.frequency)), **columns})

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        return str(self.to_frame().describe().round(3).to_html())


def block_weights(model: MlpMixer, block: int) -> MixingWeights:
    """Copies of the token-mixing weights of block `block`, counted from 0; ValueError for a block that is not there."""
    mixing = block_of(model, block).token_mixing
    return MixingWeights(
        w1=to_array(mixing.fc1.weight),
        b1=to_array(mixing.fc1.bias),
        w2=to_array(mixing.fc2.weight),
        b2=to_array(mixing.fc2.bias),
        grid=model.config.grid_shape,
    )


def weights_from_tensors(tensors: Mapping[str, np.ndarray], grid: tuple[int, int]) -> tuple[MixingWeights, ...]:
    """The token-mixing weights of all blocks from a state dict's arrays, block 0 first.

    Args:
        tensors: under the names of `MlpMixer`, `blocks.i.token_mixing.fc1.weight` and so on; others are ignored.
        grid: patches along height and width.

    Raises ValueError when there is no block, when a tensor of one is missing, or when shapes do not fit together.
    """
    found = {int(match[1]) for name in tensors if (match := re.match(r"blocks\.(\d+)\.token_mixing\.", name))}
    if not found:
        raise ValueError("there is no tensor named blocks.0.token_mixing.fc1.weight")
    return tuple(_weights_of(tensors, block, grid) for block in range(max(found) + 1))


def grid_of(num_tokens: int) -> tuple[int, int]:
    """The square grid of S tokens; raises ValueError when S is no square number."""
    side = math.isqrt(max(num_tokens, 0))
    if side == 0 or side**2 != num_tokens:
        raise ValueError(
            noted(
                "S={num_tokens} tokens make no square grid, so the grid has to be given as patches along height and "
                "width.",
                num_tokens=num_tokens,
            )
        )
    return side, side


def units_of(weights: MixingWeights) -> Units:
    """Measure every hidden unit of one block."""
    rows, columns = weights.w1.astype(np.float64), weights.w2.T.astype(np.float64)  # both (D_S, S)
    maps = unit_rows(rows).reshape(-1, *weights.grid)
    angle, strength = orientation(maps)
    partner, partner_cosine = _partners(rows)
    return Units(
        frequency=mean_radial_frequency(maps),
        orientation=angle,
        orientation_strength=strength,
        locality=locality(rows.reshape(maps.shape)),
        norm1=np.linalg.norm(rows, axis=1),
        norm2=np.linalg.norm(columns, axis=1),
        sparsity1=sparsity(rows, SPARSE_BELOW * float(np.abs(rows).max())),
        sparsity2=sparsity(columns, SPARSE_BELOW * float(np.abs(columns).max())),
        likeness=(unit_rows(rows) * unit_rows(columns)).sum(axis=1),
        partner=partner,
        partner_cosine=partner_cosine,
    )


def unit_order(units: Units, order: UnitOrder, effect: np.ndarray | None = None) -> np.ndarray:
    """The units' indices in the order in which to show them: (D_S,) int. Ties go to the lower index.

    Args:
        order: "pairs" is the paper's, made definite: opposing pairs by their mean frequency, low first, the two members
            side by side, the lower frequency first, and a unit without partner at the end. "frequency" and "locality":
            low first. "norm": |W1 row| |W2 column|, the unit's size in W2 W1, large first. "effect": large magnitude
            first. "index": as stored.
        effect: (D_S,), needed for "effect" alone; see `analysis.unit_effect`.

    Raises ValueError for another order, or for an effect that is missing or of another length.
    """
    if order == "pairs":
        return _pairs_order(units)
    if order == "effect" and (effect is None or effect.shape != units.norm1.shape):
        found = "none" if effect is None else str(effect.shape)
        raise ValueError(f"the order 'effect' needs one effect per unit, {units.norm1.shape}, got {found}")
    keys = {
        "frequency": units.frequency.round(_DECIMALS),
        "locality": units.locality.round(_DECIMALS),
        "norm": -units.norm1 * units.norm2,
        "effect": -np.abs(units.norm1 if effect is None else effect),
        "index": np.arange(len(units.norm1)),
    }
    if order not in keys:
        raise ValueError(f"order={order!r} is none of pairs, {', '.join(keys)}")
    return np.argsort(keys[order], kind="stable")


def _weights_of(tensors: Mapping[str, np.ndarray], block: int, grid: tuple[int, int]) -> MixingWeights:
    names = [f"blocks.{block}.token_mixing.{part}" for part in ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")]
    missing = [name for name in names if name not in tensors]
    if missing:
        raise ValueError(f"there is no tensor named {missing[0]}")
    w1, b1, w2, b2 = (np.array(tensors[name], dtype=np.float32) for name in names)
    return MixingWeights(w1, b1, w2, b2, grid)


def _partners(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # (D_S,) int and (D_S,) float64
    found = opposing_pairs(rows)
    partner, cosine = np.full(len(rows), -1), np.full(len(rows), np.nan)
    for mine, other in ((0, 1), (1, 0)):
        partner[found.pairs[:, mine]] = found.pairs[:, other]
        cosine[found.pairs[:, mine]] = found.cosine
    return partner, cosine


def _pairs_order(units: Units) -> np.ndarray:  # (D_S,)
    frequency = units.frequency.round(_DECIMALS)
    index = np.arange(len(frequency))
    alone = units.partner < 0
    partner = np.where(alone, index, units.partner)
    pair_frequency = (frequency + frequency[partner]) / 2
    # The pair's lower index keeps the members together where several pairs have one frequency.
    return np.lexsort((index, frequency, np.minimum(index, partner), pair_frequency, alone))
