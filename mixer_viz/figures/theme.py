"""One table: which quantity is drawn on which colour scale."""

from __future__ import annotations

import dataclasses
from typing import Literal

import matplotlib
import numpy as np

ACCENT = "#C2410C"  # the selected token, unit or layer, everywhere
NEUTRAL = "#7A828C"
# Curves: told apart by dash and marker as well as by colour; Okabe and Ito's colours are safe for colour-blind readers.
LINES = (
    ("#0072B2", "solid", "circle"),
    ("#E69F00", "dash", "square"),
    ("#009E73", "dot", "diamond"),
    ("#CC79A7", "dashdot", "x"),
    ("#56B4E9", "longdash", "triangle-up"),
)

Kind = Literal["signed", "magnitude"]


@dataclasses.dataclass(frozen=True)
class Scale:
    """How one quantity is coloured: a colour map, and limits that are either fixed or taken from the values."""

    quantity: str  # as printed beside the scale, before its unit
    kind: Kind
    colour_map: str
    fixed: tuple[float, float] | None = None
    unit: str = ""

    @property
    def label(self) -> str:
        """Quantity and unit, as printed beside the scale."""
        return f"{self.quantity} ({self.unit})" if self.unit else self.quantity

    def limits(self, values: np.ndarray) -> tuple[float, float]:
        """Lowest and highest value of the scale: symmetric about zero if signed, from zero if a magnitude."""
        if self.fixed is not None:
            return self.fixed
        finite = values[np.isfinite(values)]
        top = float(np.abs(finite).max()) if finite.size else 0.0
        top = top or 1.0  # an all-zero map still draws
        return (-top, top) if self.kind == "signed" else (0.0, top)


# RdBu and viridis are safe for colour-blind readers; blue is negative and red positive everywhere.
SCALES: dict[str, Scale] = {
    "pixel": Scale("normalised pixel value", "signed", "RdBu_r"),
    "embedding": Scale("token value", "signed", "RdBu_r"),
    "pooled": Scale("pooled value", "signed", "RdBu_r"),
    "similarity": Scale("cosine similarity", "signed", "RdBu_r", fixed=(-1.0, 1.0)),
    "norm": Scale("token length (L2 norm)", "magnitude", "viridis"),
    "response": Scale("response", "signed", "RdBu_r"),
    "reads": Scale("weight of W₁", "signed", "RdBu_r"),
    "writes": Scale("weight of W₂", "signed", "RdBu_r"),
    "mixing": Scale("mixing weight", "signed", "RdBu_r"),
    "jacobian": Scale("derivative, mean over channels", "signed", "RdBu_r"),
    "jacobian norm": Scale("derivative, Frobenius norm", "magnitude", "viridis"),
    "power": Scale("share of the power, %", "magnitude", "viridis"),
    "activation": Scale("activation", "signed", "RdBu_r"),
    "field": Scale("share of the gradient, %", "magnitude", "viridis"),
    "channel": Scale("channel value", "signed", "RdBu_r"),
    "logit": Scale("logit", "signed", "RdBu_r"),
    "contribution": Scale("contribution to the logit", "signed", "RdBu_r"),
    "contribution to the unit": Scale("added to the unit", "signed", "RdBu_r"),
    "cka": Scale("linear CKA", "magnitude", "viridis", fixed=(0.0, 1.0)),
    "normed": Scale("value after LayerNorm", "signed", "RdBu_r"),
    "product": Scale("weight times value", "signed", "RdBu_r"),
    "error": Scale("relative error", "magnitude", "viridis", fixed=(0.0, 1.0)),
    "attribution": Scale("contribution", "signed", "RdBu_r", unit="logits"),
    "attribution positive": Scale("contribution, negative drawn as 0", "magnitude", "viridis", unit="logits"),
    # Of the methods whose values are no logits.
    "sensitivity": Scale("sensitivity", "signed", "RdBu_r", unit="in its own unit"),
    "sensitivity positive": Scale("sensitivity, negative drawn as 0", "magnitude", "viridis", unit="in its own unit"),
    "agreement": Scale("rank correlation", "signed", "RdBu_r", fixed=(-1.0, 1.0)),
}


def lookup_table(scale: Scale) -> np.ndarray:
    """The scale's 256 colours, lowest value first: (256, 3) uint8."""
    colours = matplotlib.colormaps[scale.colour_map](np.arange(256))
    return np.round(colours[:, :3] * 255).astype(np.uint8)


def colourise(values: np.ndarray, scale: Scale, limits: tuple[float, float] | None = None) -> np.ndarray:
    """Values of any shape to colours (..., 3) uint8; values outside `limits` take the end colours."""
    low, high = limits or scale.limits(values)
    position = np.clip((values - low) / (high - low), 0, 1)
    return lookup_table(scale)[np.round(position * 255).astype(np.uint8)]
