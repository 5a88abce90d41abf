"""The score f that attributions explain, as a function that counts, reports, can be stopped and fits its memory."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mixer_viz.analysis.attribution_chunks import halving
from mixer_viz.analysis.attribution_result import AttributionCancelled

Progress = Callable[[int, int], None]  # (done, total), in images sent through the network
Cancelled = Callable[[], bool]


class Score:
    """f(pixels) = logit of `target`, or that logit minus the one of `against`: (N, 3, H, W) -> (N,).

    One instance serves one attribution in one thread. Without gradients a batch goes through in chunks of `chunk`
    images, halved when memory runs out; with gradients, where the whole graph must fit, in one piece. Raises
    AttributionCancelled when `cancelled` says so.
    """

    def __init__(
        self,
        network: Callable[[Tensor], Tensor],
        target: int,
        against: int | None,
        chunk: int,
        total: int,
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> None:
        self.network, self.target, self.against = network, target, against
        self.chunk, self.total = chunk, total
        self.forward_passes = self.backward_passes = 0
        self._progress, self._cancelled = progress, cancelled

    def __call__(self, pixels: Tensor) -> Tensor:
        return self.through(self.network, pixels)

    def through(self, network: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
        """f of what `network` makes of `inputs` (N, ...) in place of the network from pixels: (N,)."""
        if torch.is_grad_enabled():
            return self._counted(network, inputs)
        parts = []
        start = 0
        while start < len(inputs):
            parts.append(halving(self.chunk, lambda chunk, at=start: self._part(network, inputs, at, chunk)))  # type: ignore[misc]
            start += len(parts[-1])
        return torch.cat(parts)

    def check_cancelled(self) -> None:
        """Raise AttributionCancelled when the caller wants to stop."""
        if self._cancelled is not None and self._cancelled():
            raise AttributionCancelled(f"cancelled after {self.forward_passes} of {self.total} passes")

    def _part(self, network: Callable[[Tensor], Tensor], inputs: Tensor, start: int, chunk: int) -> Tensor:
        self.chunk = chunk  # what did not fit once is not tried again
        return self._counted(network, inputs[start : start + chunk])

    def _counted(self, network: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
        self.check_cancelled()
        logits = network(inputs)
        scores = logits[:, self.target]
        if self.against is not None:
            scores = scores - logits[:, self.against]
        if scores.requires_grad:
            scores.register_hook(self._count_backward)
        self.forward_passes += len(inputs)
        if self._progress is not None:
            self._progress(min(self.forward_passes, self.total), self.total)
        return scores

    def _count_backward(self, gradient: Tensor) -> None:
        self.backward_passes += len(gradient)


class ScoreModule(nn.Module):
    """A score as a module of its own, for methods that hang hooks on modules; its parts must be private copies."""

    def __init__(self, score: Score, network: nn.Module) -> None:
        super().__init__()
        self.score, self.network = score, network

    def forward(self, pixels: Tensor) -> Tensor:
        return self.score.through(self.network, pixels)


class TokensTap(nn.Module):
    """A network in two halves with its tokens (N, S, C) laid open in between, channels first as in images: (N, C, S)."""

    def __init__(self, before: Callable[[Tensor], Tensor], after: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.before, self.after, self.tap = before, after, nn.Identity()

    def forward(self, pixels: Tensor) -> Tensor:
        return self.after(self.tap(self.before(pixels).mT).mT)
