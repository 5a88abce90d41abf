"""One network that learns, a batch at a time: weights, their average, optimisers, schedule, teacher."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mixer_viz.checkpoints.networks import AnyNetwork
from mixer_viz.model.convnet import ConvNet
from mixer_viz.training.build import build_model
from mixer_viz.training.data.augment import BatchMixing
from mixer_viz.training.data.loaders import normalise
from mixer_viz.training.distillation import RepeatedViews, open_teacher, taught_loss
from mixer_viz.training.optim import build_optimizers, build_schedule, reset_token_mixing
from mixer_viz.training.penalties import copy_cost, filter_roughness
from mixer_viz.training.recipe import Recipe


class Stepper:
    """A network as the recipe wants it, and what one training step does to it.

    The command's epochs and the live training's single steps both go through `step`, so the same batches give the same
    weights. `model` is what learns, `averaged_model` the exponential moving average that is measured and shown.
    """

    def __init__(
        self, recipe: Recipe, class_names: tuple[str, ...], device: torch.device, steps_per_epoch: int
    ) -> None:
        self.recipe, self.device = recipe, device
        self.model = build_model(recipe, class_names).to(device)
        self.averaged = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema_decay), use_buffers=True)
        self.optimizers = build_optimizers(self.model, recipe)
        self.schedules = [build_schedule(optimizer, recipe, steps_per_epoch) for optimizer in self.optimizers]
        self.teacher = open_teacher(recipe, self.model, device)
        self.views = RepeatedViews(recipe, steps_per_epoch, len(class_names)) if recipe.teacher_views else None
        self.mixing = BatchMixing(recipe, len(class_names) + bool(recipe.unlabelled))
        self.loss = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
        self.precision = torch.float32
        self._loss = self._accuracy = torch.zeros(())  # of the last `backward`

    @property
    def averaged_model(self) -> AnyNetwork:
        """The exponential moving average of the weights: what is measured and shipped."""
        return cast(AnyNetwork, self.averaged.module)

    @property
    def lr(self) -> float:
        """The learning rate of the next step, of the first optimiser's first group."""
        return float(self.schedules[0].get_last_lr()[0])

    def start_from(self, weights: dict[str, Tensor]) -> None:
        """Begin with trained weights instead of drawn ones, token mixing excepted where the recipe says so."""
        self.model.load_state_dict(weights, strict=not self.recipe.reset_token_mixing)
        if self.recipe.reset_token_mixing and not isinstance(self.model, ConvNet):
            torch.manual_seed(self.recipe.seed)  # the same on every process
            reset_token_mixing(self.model, self.recipe.token_mixing_std)
        self.averaged_model.load_state_dict(self.model.state_dict())

    def see_images(self, images: Tensor) -> None:
        """Give the convnet its whitening filters, from (N, 3, H, W) uint8 images; other networks need no look."""
        if isinstance(self.model, ConvNet):
            self.model.whiten(normalise(images.to(self.device), self.model.config))
            self.averaged_model.load_state_dict(self.model.state_dict())

    def mixed(self, pixels: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) uint8 and (N,) class indices -> what `step` takes: normalised, and mixed where drawn so."""
        normalised = normalise(pixels.to(self.device, non_blocking=True), self.model.config)
        return self.mixing(normalised, labels.to(self.device, non_blocking=True))

    def step(
        self, network: nn.Module, pixels: Tensor, labels: Tensor, place: tuple[int, int] = (0, 0)
    ) -> tuple[Tensor, Tensor]:
        """Forward pass, backward pass, update, average; returns mean loss and share of right answers, both () floats.

        Args:
            network: `model`, or what wraps it (compiled, distributed).
            pixels: (N, 3, H, W), normalised.
            labels: (N,) class indices or (N, num_classes) shares, as `taught_loss` has them.
            place: epoch and step in it, from 0, by which repeated views are known again.
        """
        self.backward(network, pixels, labels, place)
        return self.update()

    def update(self) -> tuple[Tensor, Tensor]:
        """The second half of `step`: what the gradients do to weights and average."""
        nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip_norm)
        for optimizer, schedule in zip(self.optimizers, self.schedules, strict=True):
            optimizer.step()
            schedule.step()
        self.averaged.update_parameters(self.model)
        return self._loss, self._accuracy

    def backward(self, network: nn.Module, pixels: Tensor, labels: Tensor, place: tuple[int, int] = (0, 0)) -> None:
        """The first half of `step`: gradients of the loss, in place of those of the step before."""
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            logits = network(pixels)
            taught = self._taught(pixels, place)
        logits = logits.float()
        loss = self.loss(logits, labels) if taught is None else taught_loss(logits, labels, taught.float(), self.recipe)
        if self.recipe.copy_penalty:
            loss = loss + self.recipe.copy_penalty * copy_cost(self.model, self.recipe.copy_cosine)
        if self.recipe.stem_roughness_penalty:
            loss = loss + self.recipe.stem_roughness_penalty * filter_roughness(self.model)
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        hard = labels if labels.ndim == 1 else labels.argmax(dim=1)
        right, known = logits.detach().argmax(dim=1) == hard, hard < logits.shape[1]
        self._loss, self._accuracy = loss.detach(), right.sum() / known.sum().clamp(min=1)

    def _taught(self, pixels: Tensor, place: tuple[int, int]) -> Tensor | None:
        if self.teacher is None:
            return None
        if self.views is None:
            return self.teacher.logits(pixels)
        return self.views.logits(self.teacher, pixels, *place)

    def state(self) -> dict[str, Any]:
        """Weights, averages, optimisers and schedules, for `restore`."""
        return {
            "model": self.model.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "schedules": [schedule.state_dict() for schedule in self.schedules],
            "teacher_sha256": None if self.teacher is None else self.teacher.sha256,
            "precision": str(self.precision).removeprefix("torch."),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave; raises ValueError when the teacher is another file now."""
        if self.teacher is not None and state["teacher_sha256"] != self.teacher.sha256:
            raise ValueError(f"{self.recipe.teacher} is another file than the run was started with; put that one back.")
        self.model.load_state_dict(state["model"])
        self.averaged.load_state_dict(state["averaged"])
        for optimizer, stored in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(stored)
        for schedule, stored in zip(self.schedules, state["schedules"], strict=True):
            schedule.load_state_dict(stored)
        self.precision = getattr(torch, state["precision"])
