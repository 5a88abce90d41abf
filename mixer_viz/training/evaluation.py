"""How well a model does on the test images."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from mixer_viz.checkpoints.networks import AnyNetwork
from mixer_viz.training.data.loaders import normalise


@torch.no_grad()
def evaluate(model: AnyNetwork, loader: Iterable[tuple[Tensor, Tensor]]) -> tuple[float, float, int]:
    """Mean cross-entropy, top-1 accuracy in percent, and number of all images of `loader`; float32, eval mode."""
    device = next(model.parameters()).device
    model.eval()
    correct, loss, count = 0, 0.0, 0
    for pixels, labels in loader:
        labels = labels.to(device)
        logits = model(normalise(pixels.to(device), model.config))
        loss += nn.functional.cross_entropy(logits, labels, reduction="sum").item()
        correct += int((logits.argmax(dim=1) == labels).sum())
        count += len(labels)
    return loss / count, 100 * correct / count, count
