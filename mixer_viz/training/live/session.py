"""One network that learns while somebody watches: steps, measurements, and a look into a single update."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator
from typing import cast

import numpy as np
import torch
from torch import Tensor

from mixer_viz.checkpoints.networks import AnyNetwork
from mixer_viz.language import mark, noted
from mixer_viz.model import MlpMixer
from mixer_viz.model.mixer import MixerBlock
from mixer_viz.training.data.drawn import DrawnTask
from mixer_viz.training.data.drawn_batches import STEPS_PER_EPOCH, DrawnBatches, held_out_drawings
from mixer_viz.training.data.loaders import normalise
from mixer_viz.training.data.pictures import Pictures, endless_batches
from mixer_viz.training.evaluation import evaluate
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.stepper import Stepper

PARTS = (mark("patch embedding"), mark("token mixing"), mark("channel mixing"), mark("head"))
_BATCH = 200


@dataclasses.dataclass(frozen=True)
class Steps:
    """What some steps in a row were like."""

    step: int  # steps done after them
    loss: float  # mean over these steps, on the pictures that were trained on
    accuracy: float  # the same, 0 to 1


@dataclasses.dataclass(frozen=True)
class OneStep:
    """A single update of one row of W1 of token mixing, as maps over the patch grid."""

    before: np.ndarray  # (grid, grid) float32
    gradient: np.ndarray  # of the loss, before clipping
    update: np.ndarray  # after - before
    after: np.ndarray
    loss: float


class LiveTraining:
    """A network, pictures without end (drawn ones, or those of a set again and again), and as many steps as one likes.

    The same recipe, task and seed give the same numbers on the same machine, here and in the training command, as long
    as nothing else draws from PyTorch's global generator while it is built; the command needs `--validation-share 0` to
    learn from a whole set. Raises ValueError for sizes that clash, and for a set that does not fill a batch.
    """

    def __init__(self, recipe: Recipe, task: Pictures, device: torch.device) -> None:
        if recipe.mix_probability and (recipe.cutmix or recipe.mixup):
            raise ValueError("MixUp and CutMix are for the training command; give mix_probability=0 here.")
        self.recipe, self.task, self.device = recipe, task, device
        generator = torch.Generator().manual_seed(recipe.seed)
        self._batches: Iterator[tuple[Tensor, Tensor]]
        if isinstance(task, DrawnTask):
            batches = DrawnBatches(task, recipe, generator)
            self._batches = itertools.chain.from_iterable(itertools.repeat(batches))
            self._test = held_out_drawings(task, "test", recipe.seed)
        else:
            self._batches, self._test = endless_batches(task, recipe, generator), task.test
        self._steps_per_epoch = steps_per_epoch(task, recipe.batch_size)
        self.stepper = Stepper(recipe, task.class_names, device, self._steps_per_epoch)
        self.step = 0

    @property
    def num_steps(self) -> int:
        """Steps that the recipe plans; the learning rate stays at its end value after them."""
        return self.recipe.epochs * self._steps_per_epoch

    @property
    def model(self) -> AnyNetwork:
        """What learns."""
        return self.stepper.model

    @property
    def averaged_model(self) -> AnyNetwork:
        """The moving average of the weights, which is measured."""
        return self.stepper.averaged_model

    def advance(self, steps: int) -> Steps:
        """Do `steps` training steps; raises ValueError in one sentence when the loss is no longer a number."""
        self.model.train()
        seen = []  # read once at the end: every look at a number makes a GPU wait
        for _ in range(steps):
            seen.append(torch.stack(self.stepper.step(self.model, *self._batch())))
            self.step += 1
        loss, accuracy = torch.stack(seen).mean(dim=0).tolist()
        if not math.isfinite(loss):
            raise ValueError(
                noted(
                    "The loss is no longer a number at step {step}: the learning rate is too high for these settings. "
                    "Choose a smaller one and start again.",
                    step=self.step,
                )
            )
        return Steps(self.step, loss, accuracy)

    def measure(self, count: int | None = None, between: Callable[[], None] | None = None) -> tuple[float, float]:
        """Mean cross-entropy and accuracy (0 to 1) of the averaged weights on pictures that are never trained on.

        They are the test part (of drawn pictures the 2,000 of the training command), or the first `count` of it.
        `between` is called after each batch of them.
        """
        pixels, labels = self._test if count is None else self.watched(count)

        def batches() -> Iterator[tuple[Tensor, Tensor]]:
            for batch in zip(pixels.split(_BATCH), labels.split(_BATCH), strict=True):
                yield batch
                if between is not None:
                    between()

        loss, percent, _ = evaluate(self.averaged_model, batches())
        return loss, percent / 100

    def one_step(self, block: int, unit: int) -> OneStep:
        """Do one step, and show what it did to one hidden unit of a Mixer's token mixing (row `unit` of W1)."""
        if not isinstance(self.model, MlpMixer):
            raise ValueError("only a Mixer has hidden units of token mixing; choose the MLP over tokens")
        self.model.train()
        row = cast(MixerBlock, self.model.blocks[block]).token_mixing.fc1.weight
        pixels, labels = self._batch()
        self.stepper.backward(self.model, pixels, labels)
        before, gradient = row[unit].detach().clone(), cast(Tensor, row.grad)[unit].clone()
        loss, _ = self.stepper.update()
        self.step += 1
        after = row[unit].detach()
        grid = self.model.config.grid_size
        values = before, gradient, after - before, after.clone()
        first, second, third, fourth = (value.cpu().reshape(grid, grid).numpy() for value in values)
        return OneStep(first, second, third, fourth, float(loss))

    def watched(self, count: int) -> tuple[Tensor, Tensor]:
        """The first `count` test pictures, (count, 3, 32, 32) uint8 and (count,) class indices."""
        pixels, labels = self._test
        return pixels[:count], labels[:count]

    @torch.no_grad()
    def answers(self, count: int) -> np.ndarray:
        """What the averaged network says of `watched(count)`: (count, num_classes) probabilities."""
        pixels, _ = self.watched(count)
        model = self.averaged_model.eval()
        logits: Tensor = model(normalise(pixels.to(self.device), model.config))
        return logits.softmax(dim=1).cpu().numpy()

    def norms(self) -> dict[str, tuple[float, float]]:
        """Length of all weights and of the last step's gradients of each of `PARTS`; L2, biases included."""
        squares = {part: [0.0, 0.0] for part in PARTS}
        for name, parameter in self.model.named_parameters():
            if (part := _part_of(name)) is not None:
                squares[part][0] += float(parameter.detach().double().square().sum())
                if parameter.grad is not None:
                    squares[part][1] += float(parameter.grad.double().square().sum())
        return {part: (math.sqrt(weights), math.sqrt(gradients)) for part, (weights, gradients) in squares.items()}

    def _batch(self) -> tuple[Tensor, Tensor]:
        return self.stepper.mixed(*next(self._batches))


def steps_per_epoch(task: Pictures, batch_size: int) -> int:
    """What an epoch of the training command is; raises DataError where a set does not fill a batch."""
    return STEPS_PER_EPOCH if isinstance(task, DrawnTask) else task.steps_per_epoch(batch_size)


def _part_of(name: str) -> str | None:
    if name.startswith("stem."):
        return "patch embedding"
    if name.startswith("head."):
        return "head"
    return next((part for part in PARTS if f".{part.replace(' ', '_')}." in name), None)
