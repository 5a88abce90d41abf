"""One table: which quantity is drawn on which colour scale."""

from __future__ import annotations

import dataclasses
from typing import Literal

import matplotlib
import numpy as np

from mixer_viz.language import mark, tr

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

    quantity: str  # English, as printed beside the scale, before its unit
    kind: Kind
    colour_map: str
    fixed: tuple[float, float] | None = None
    unit: str = ""

    @property
    def label(self) -> str:
        """Quantity and unit, as printed beside the scale, in the language of whoever is looking."""
        said = tr(self.quantity)
        return tr("{quantity} ({unit})", quantity=said, unit=tr(self.unit)) if self.unit else said

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
    "pixel": Scale(mark("normalised pixel value"), "signed", "RdBu_r"),
    "embedding": Scale(mark("token value"), "signed", "RdBu_r"),
    "pooled": Scale(mark("pooled value"), "signed", "RdBu_r"),
    "similarity": Scale(mark("cosine similarity"), "signed", "RdBu_r", fixed=(-1.0, 1.0)),
    "norm": Scale(mark("token length (L2 norm)"), "magnitude", "viridis"),
    "response": Scale(mark("response"), "signed", "RdBu_r"),
    "reads": Scale(mark("weight of W₁"), "signed", "RdBu_r"),
    "writes": Scale(mark("weight of W₂"), "signed", "RdBu_r"),
    "channel reads": Scale(mark("weight of W₃"), "signed", "RdBu_r"),
    "channel writes": Scale(mark("weight of W₄"), "signed", "RdBu_r"),
    "head": Scale(mark("weight of the head"), "signed", "RdBu_r"),
    "mixing": Scale(mark("mixing weight"), "signed", "RdBu_r"),
    "jacobian": Scale(mark("derivative, mean over channels"), "signed", "RdBu_r"),
    "jacobian norm": Scale(mark("derivative, Frobenius norm"), "magnitude", "viridis"),
    "power": Scale(mark("share of the power, %"), "magnitude", "viridis"),
    "activation": Scale(mark("activation"), "signed", "RdBu_r"),
    "field": Scale(mark("share of the gradient, %"), "magnitude", "viridis"),
    "channel": Scale(mark("channel value"), "signed", "RdBu_r"),
    "logit": Scale(mark("logit"), "signed", "RdBu_r"),
    "contribution": Scale(mark("contribution to the logit"), "signed", "RdBu_r"),
    "contribution to the unit": Scale(mark("added to the unit"), "signed", "RdBu_r"),
    "cka": Scale(mark("linear CKA"), "magnitude", "viridis", fixed=(0.0, 1.0)),
    "normed": Scale(mark("value after LayerNorm"), "signed", "RdBu_r"),
    "product": Scale(mark("weight times value"), "signed", "RdBu_r"),
    "error": Scale(mark("relative error"), "magnitude", "viridis", fixed=(0.0, 1.0)),
    "attribution": Scale(mark("contribution"), "signed", "RdBu_r", unit=mark("logits")),
    "attribution positive": Scale(
        mark("contribution, negative drawn as 0"), "magnitude", "viridis", unit=mark("logits")
    ),
    # Of the methods whose values are no logits.
    "sensitivity": Scale(mark("sensitivity"), "signed", "RdBu_r", unit=mark("in its own unit")),
    "sensitivity positive": Scale(
        mark("sensitivity, negative drawn as 0"), "magnitude", "viridis", unit=mark("in its own unit")
    ),
    "agreement": Scale(mark("rank correlation"), "signed", "RdBu_r", fixed=(-1.0, 1.0)),
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
