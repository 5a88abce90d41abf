"""Token mixing looked into: the Jacobian of one B/16 block against S backward passes, and the other analyses' times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from timing import alternate, ratios, summary
from torch import Tensor

from mixer_viz.analysis.receptive_field import receptive_field
from mixer_viz.analysis.token_mixing.jacobian import jacobian_rows, token_jacobian
from mixer_viz.analysis.token_mixing.opposing_pairs import opposing_pairs
from mixer_viz.analysis.token_mixing.unit_effect import unit_effects
from mixer_viz.model import PRESETS, MixerBlock, MlpMixer, Trace, trace

NAME = "token_mixing"
JACOBIAN_AT_MOST = 1.0  # ours, with both matrices / S backward passes, with the mean alone
PAIRING_AT_MOST = 1.0  # s
UNITS, PATCHES = 640, 256  # the first token-mixing layer of H/14, the paper's largest
BLOCK, TOKEN = 0, 90
ROUNDS = {"cpu": 3, "cuda": 20}
PAIRING_ROUNDS = 10


def measure() -> dict[str, Any]:
    """Ratios and times of B/16 with random weights and one image, for every device; and the pairing, on the CPU."""
    torch.manual_seed(0)
    model = MlpMixer(PRESETS["B/16"]).eval().requires_grad_(False)
    results = pairing()
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        results |= {f"{device}: {key}": value for key, value in analyses(model.to(device)).items()}
    return results


def pairing() -> dict[str, Any]:
    """Units paired one to one; noise is the slowest case, as no pair stands out."""
    rows = np.random.default_rng(0).normal(size=(UNITS, PATCHES))
    seconds = alternate({"pairing": lambda: opposing_pairs(rows)}, PAIRING_ROUNDS)["pairing"]
    return {f"pairing {UNITS} units of {PATCHES} patches": summary(seconds, "s", PAIRING_AT_MOST)}


def analyses(model: MlpMixer) -> dict[str, Any]:
    """One device: the Jacobian and its rival, and what else the pages ask for, in turn."""
    device = next(model.parameters()).device
    pixels = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(1)).to(device)
    traced = trace(model, pixels)
    ours, theirs = token_jacobian(model, traced, BLOCK).channel_mean, backward_passes(model, traced)
    difference = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
    if difference > 1e-4:
        raise RuntimeError(f"the two Jacobians are not the same: they differ by {difference:.1e} of the largest entry")
    rivals: dict[str, Callable[[], object]] = {  # each ends on the CPU, so the device is done when it returns
        "Jacobian of one block": lambda: token_jacobian(model, traced, BLOCK),
        "S backward passes": lambda: backward_passes(model, traced),
        "listening of one token, all blocks": lambda: jacobian_rows(model, traced, TOKEN),
        "effects of all units of one block": lambda: unit_effects(model, pixels, BLOCK),
        "receptive field of one token, all blocks": lambda: receptive_field(model, pixels, TOKEN),
    }
    seconds = alternate(rivals, ROUNDS[device.type], warm_up=1)
    ratio = ratios(seconds["Jacobian of one block"], seconds["S backward passes"])
    return {
        "Jacobian of one B/16 block / S backward passes": summary(ratio, "x", JACOBIAN_AT_MOST),
        **{name: summary([1e3 * s for s in values], "ms") for name, values in seconds.items()},
        "largest difference to S backward passes": {"value": difference, "unit": "of the largest entry"},
    }


def backward_passes(model: MlpMixer, traced: Trace) -> np.ndarray:
    """The channel-mean Jacobian (S, S) by automatic differentiation, one backward pass for each token written to."""
    mlp = cast(MixerBlock, model.blocks[BLOCK]).token_mixing
    normed = traced.blocks[BLOCK].norm1[0].detach().requires_grad_()  # (S, C)
    written: Tensor = mlp(normed.mT).sum(dim=0)  # (S,); channels do not mix, so their sum keeps them apart
    rows = [torch.autograd.grad(token, normed, retain_graph=True)[0].mean(dim=1) for token in written]
    return torch.stack(rows).cpu().numpy()
