"""What one attribution works on, and the score f that it explains: a function of pixels that captum can call."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from mixer_viz.analysis.attribution.result import Value
from mixer_viz.analysis.chunks import Cancelled, ChunkedPasses, Precision, Progress
from mixer_viz.model import MlpMixer


class Score(ChunkedPasses):
    """f(pixels) = logit of `target`, or that logit minus the one of `against`: (N, 3, H, W) -> (N,).

    One instance serves one attribution in one thread. Without gradients a batch goes through in chunks; with gradients,
    where the whole graph must fit, in one piece.
    """

    def __init__(
        self,
        network: Callable[[Tensor], Tensor],
        target: int,
        against: int | None,
        chunk: int,
        total: int,
        precision: Precision = "float32",
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> None:
        super().__init__(chunk, total, progress, cancelled)
        self.network, self.target, self.against, self.precision = network, target, against, precision

    def __call__(self, pixels: Tensor) -> Tensor:
        return self.through(self.network, pixels)

    def through(self, network: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
        """f of what `network` makes of `inputs` (N, ...), in place of the network that starts at pixels: (N,)."""
        if not torch.is_grad_enabled():
            return self.in_chunks(len(inputs), lambda some: self._of(self.run(network, inputs[some])))
        self.check_cancelled()
        scores = self._of(self.run(network, inputs))
        if scores.requires_grad:
            scores.register_hook(self._count_backward)
        self.count(len(inputs))
        return scores

    def run(self, network: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
        """What `network` makes of `inputs`, in this score's precision but in the type of `inputs`; counts nothing."""
        # Around the network alone, as neither captum's own arithmetic nor backward passes belong inside. Without the
        # cache, which all threads share and which saves nothing where every weight is used once.
        enabled = self.precision == "bfloat16"
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=enabled, cache_enabled=False):
            outputs = network(inputs)
        return outputs.to(inputs.dtype)

    def _of(self, logits: Tensor) -> Tensor:
        return logits[:, self.target] if self.against is None else logits[:, self.target] - logits[:, self.against]

    def _count_backward(self, gradient: Tensor) -> None:
        self.backward_passes += len(gradient)


class ScoreModule(nn.Module):
    """A score as a module, for methods that hang hooks on modules; `network` must be private, for it becomes a part."""

    def __init__(self, score: Score, network: nn.Module) -> None:
        super().__init__()
        self.score, self.network = score, network

    def forward(self, pixels: Tensor) -> Tensor:
        return self.score.through(self.network, pixels)


class TokensTap(nn.Module):
    """A network in two halves with the tokens in between laid open, channels first as in images: (N, C, S)."""

    def __init__(self, before: Callable[[Tensor], Tensor], after: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.before, self.after, self.tap = before, after, nn.Identity()

    def forward(self, pixels: Tensor) -> Tensor:
        tokens = self.before(pixels).to(pixels.dtype)  # also under autocast: what is read off here is not rounded
        return self.after(self.tap(tokens.mT).mT)


@dataclasses.dataclass(frozen=True)
class Task:
    """One attribution: the tensors are its own, the model is shared and only read."""

    model: MlpMixer
    pixels: Tensor  # (1, 3, H, W), a leaf of its own
    baseline: Tensor | None  # (1, 3, H, W); None for methods that need none
    score: Score
    values: Mapping[str, Value]  # of the method's parameters
    seed: int
    chunk: int  # images at once

    def with_chunk(self, chunk: int) -> Task:
        """The same task with another chunk."""
        return dataclasses.replace(self, chunk=chunk)

    def whole(self, name: str) -> int:
        """A parameter that counts something."""
        return int(self.values[name])

    @property
    def start(self) -> Tensor:
        """The baseline, of a method that has one."""
        if self.baseline is None:
            raise ValueError("this method compares with no baseline")
        return self.baseline

    @property
    def noise(self) -> float:
        """Standard deviation of the noise in normalised units, from its share of this image's range."""
        lowest, highest = torch.aminmax(self.pixels.detach())
        return float(self.values["noise"]) * float(highest - lowest)
