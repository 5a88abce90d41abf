"""Our Mixer-B/16 against timm's with the same weights, and the traced pass against the plain one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import timm
import torch
from timing import alternate, ratios, summary
from torch import Tensor, nn

from mixer_viz.model import PRESETS, MlpMixer, trace

NAME = "model_speed"
FORWARD_AT_MOST = 1.05  # ours / timm
TRACE_AT_MOST = 1.15  # trace / forward
BATCHES = (1, 4)
ROUNDS = {"cpu": 15, "cuda": 100}


def measure() -> dict[str, Any]:
    """Ratios, milliseconds and the trace's bytes for every device and batch size."""
    ours, theirs = build_pair()
    results: dict[str, Any] = {}
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        ours, theirs = ours.to(device), theirs.to(device)
        for batch in BATCHES:
            results |= {f"{device}, batch {batch}: {key}": value for key, value in compare(ours, theirs, batch).items()}
    return results


def build_pair() -> tuple[MlpMixer, nn.Module]:
    """Both networks in eval mode with the same random weights, the head included."""
    torch.manual_seed(0)
    ours = MlpMixer(PRESETS["B/16"]).eval()
    theirs = timm.create_model("mixer_b16_224", pretrained=False).eval()
    renamed = {
        name.replace("token_mixing", "mlp_tokens")
        .replace("channel_mixing", "mlp_channels")
        .replace("stem.", "stem.proj."): value
        for name, value in ours.state_dict().items()
    }
    theirs.load_state_dict(renamed, strict=True)
    return ours, theirs


@torch.no_grad()
def compare(ours: MlpMixer, theirs: nn.Module, batch: int) -> dict[str, Any]:
    """One device and batch size: all three passes in turn, on the same pixels."""
    device = next(ours.parameters()).device
    pixels = torch.randn(batch, 3, 224, 224, generator=torch.Generator().manual_seed(1)).to(device)
    difference = float((ours(pixels) - theirs(pixels)).abs().max())
    if difference > 1e-3:
        raise RuntimeError(f"the two networks do not compute the same: logits differ by {difference:.1e}")
    rivals = {
        "timm": finished(theirs, pixels),
        "forward": finished(ours, pixels),
        "trace": finished(lambda batch_pixels: trace(ours, batch_pixels), pixels),
    }
    seconds = alternate(rivals, ROUNDS[device.type])
    return {
        "forward / timm": summary(ratios(seconds["forward"], seconds["timm"]), "x", FORWARD_AT_MOST),
        "trace / forward": summary(ratios(seconds["trace"], seconds["forward"]), "x", TRACE_AT_MOST),
        **{f"{name} time": summary([1e3 * s for s in values], "ms") for name, values in seconds.items()},
        "trace memory": {"value": trace(ours, pixels).num_bytes() / 2**20, "unit": "MiB"},
        "largest logit difference to timm": {"value": difference, "unit": "logit"},
    }


def finished(run: Callable[[Tensor], object], pixels: Tensor) -> Callable[[], object]:
    """`run(pixels)` that returns only when the device is done."""

    def call() -> object:
        result = run(pixels)
        if pixels.is_cuda:
            torch.cuda.synchronize()
        return result

    return call
