"""The training loop: epochs with averaged weights, saved so that it can go on exactly where it stopped."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from mixer_viz.checkpoints.networks import AnyNetwork
from mixer_viz.model import MlpMixer
from mixer_viz.model.convnet import ConvNet
from mixer_viz.training.build import build_model
from mixer_viz.training.data.augment import BatchMixing
from mixer_viz.training.data.labelled import ImageData
from mixer_viz.training.data.loaders import normalise, open_loaders
from mixer_viz.training.distillation import distillation_loss, open_teacher
from mixer_viz.training.evaluation import evaluate
from mixer_viz.training.optim import build_optimizers, build_schedule, reset_token_mixing
from mixer_viz.training.precision import choose_precision
from mixer_viz.training.processes import Processes
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.state import EpochResult, RunFolder, random_state, restore_random_state, snapshot_epochs
from mixer_viz.training.stopping import Stopped, on_stop_signals

_WHITENING_IMAGES = 5000


class Trainer:
    """One run. Build it, `restore` a checkpoint if there is one, then `run`."""

    def __init__(
        self,
        recipe: Recipe,
        data: ImageData,
        folder: RunFolder,
        processes: Processes,
        workers: int,
        quiet: bool = False,
    ) -> None:
        self.recipe, self.folder, self.processes = recipe, folder, processes
        self.quiet = quiet or not processes.is_main
        self.model = build_model(recipe, data.class_names).to(processes.device)
        self.averaged = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema_decay), use_buffers=True)
        self.loaders = open_loaders(data, recipe, processes, workers, self.quiet)
        self.steps_per_epoch = len(self.loaders.train)
        if self.steps_per_epoch == 0:
            own = len(self.loaders.sampler)
            raise ValueError(f"{own} images do not fill a batch of {recipe.batch_size}; give a smaller --batch-size.")
        self.optimizers = build_optimizers(self.model, recipe)
        self.schedules = [build_schedule(optimizer, recipe, self.steps_per_epoch) for optimizer in self.optimizers]
        self.teacher = open_teacher(recipe, self.model, processes.device)
        self.mixing = BatchMixing(recipe, len(data.class_names))
        self.loss = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
        # Measured speeds differ from process to process, but all must choose alike.
        self.precision = processes.gather(choose_precision(recipe.precision, self.model, recipe.batch_size))[0]
        self.epoch, self.step = 0, 0  # epochs done, steps done in the current one
        self.step_seconds = 0.0  # in forward pass, backward pass and step, since the epoch began
        self.stop_requested = False
        torch.manual_seed(recipe.seed + 1 + processes.rank)

    def start_from(self, weights: dict[str, Tensor]) -> None:
        """Begin with trained weights instead of drawn ones, token mixing excepted where the recipe says so."""
        self.model.load_state_dict(weights, strict=not self.recipe.reset_token_mixing)
        if self.recipe.reset_token_mixing and not isinstance(self.model, ConvNet):
            torch.manual_seed(self.recipe.seed)  # the same on every process
            reset_token_mixing(self.model, self.recipe.token_mixing_std)
            torch.manual_seed(self.recipe.seed + 1 + self.processes.rank)
        self.averaged_model.load_state_dict(self.model.state_dict())

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `checkpoint()`'s state: weights, averages, optimiser, schedule, generators and position."""
        if len(state["random"]) != self.processes.world_size:
            raise ValueError(
                f"The run was started with {len(state['random'])} processes and cannot go on with "
                f"{self.processes.world_size}; use the same number."
            )
        if self.teacher is not None and state["teacher_sha256"] != self.teacher.sha256:
            raise ValueError(f"{self.recipe.teacher} is another file than the run was started with; put that one back.")
        self.model.load_state_dict(state["model"])
        self.averaged.load_state_dict(state["averaged"])
        for optimizer, stored in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(stored)
        for schedule, stored in zip(self.schedules, state["schedules"], strict=True):
            schedule.load_state_dict(stored)
        self.epoch, self.step = state["epoch"], state["step"]
        self.precision = getattr(torch, state["precision"])
        own = state["random"][self.processes.rank]
        self.loaders.generator.set_state(own["loader"])
        restore_random_state(own)

    def checkpoint(self, random: dict[str, Any]) -> dict[str, Any]:
        """The state that `restore` takes; a collective call, with this process's generators."""
        return {
            "recipe": self.recipe.as_dict(),
            "class_names": list(self.model.config.class_names or ()),
            "model": self.model.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "schedules": [schedule.state_dict() for schedule in self.schedules],
            "teacher_sha256": None if self.teacher is None else self.teacher.sha256,
            "epoch": self.epoch,
            "step": self.step,
            "precision": str(self.precision).removeprefix("torch."),
            "random": self.processes.gather(random),
        }

    def run(self) -> None:
        """Train to the last epoch; raises `Stopped` after saving when a signal asks for it."""
        with on_stop_signals(self._request_stop):
            self.folder.create()
            if self.epoch == 0 and self.step == 0:
                if self.processes.is_main:
                    self.folder.forget_result()
                self._see_images()
                self._snapshot(None)
            network = self.processes.distribute(self.model)
            if self.recipe.compile:
                network = cast(nn.Module, torch.compile(network))
            while self.epoch < self.recipe.epochs:
                self._run_epoch(network)
            if self.processes.is_main:
                self.folder.save_final(self.averaged_model)
                self._measure_test_part()
            self.processes.barrier()

    @property
    def averaged_model(self) -> AnyNetwork:
        """The exponential moving average of the weights: what is measured and shipped."""
        return cast(AnyNetwork, self.averaged.module)

    def _see_images(self) -> None:
        """Give the convnet its whitening filters, from images that are the same on every process."""
        if not isinstance(self.model, ConvNet):
            return
        images = self.loaders.first_look(_WHITENING_IMAGES)
        self.model.whiten(normalise(images.to(self.processes.device), self.model.config))
        self.averaged_model.load_state_dict(self.model.state_dict())

    def _measure_test_part(self) -> None:
        """The one look at the test images, when training is over; recipes are chosen on the validation images."""
        if self.folder.has_result:
            return
        loss, accuracy, count = evaluate(self.averaged_model, self.loaders.test)
        validation = None if self.loaders.validation is None else evaluate(self.averaged_model, self.loaders.validation)
        self.folder.save_result(
            {
                "test_loss": loss,
                "test_accuracy": accuracy,
                "test_images": count,
                "validation_loss": None if validation is None else validation[0],
                "validation_accuracy": None if validation is None else validation[1],
                "validation_images": 0 if validation is None else validation[2],
            }
        )
        if not self.quiet:
            tqdm.write(f"test accuracy {accuracy:.2f} % of {count} images")

    def _request_stop(self, *_: object) -> None:
        self.stop_requested = True

    def _run_epoch(self, network: nn.Module) -> None:
        start = time.perf_counter()
        first_step = self.step
        train_loss = self._train_epoch(network)
        if not math.isfinite(train_loss):
            raise ValueError(
                f"The loss is no longer a number in epoch {self.epoch + 1}: training diverged. Give a smaller --lr, "
                f"a smaller --clip-norm or --precision fp32, and another --out."
            )
        trained = time.perf_counter() - start
        validation_loss, accuracy = self._evaluate()
        images = (self.steps_per_epoch - first_step) * self.recipe.batch_size * self.processes.world_size
        self.epoch, self.step = self.epoch + 1, 0
        lr = float(self.schedules[0].get_last_lr()[0])
        seconds = time.perf_counter() - start
        outside = 1 - self.step_seconds / seconds
        speed = images / trained
        result = EpochResult(self.epoch, lr, train_loss, validation_loss, accuracy, speed, seconds, outside)
        # The checkpoint comes last: a run that is killed in between repeats the epoch and leaves no gap in the log.
        if self.processes.is_main:
            self.folder.log(result)
        if self.epoch in snapshot_epochs(self.recipe.epochs):
            self._snapshot(accuracy)
        self._save(random_state(self.loaders.generator))
        if not self.quiet:
            tqdm.write(
                f"epoch {self.epoch}/{self.recipe.epochs}: loss {train_loss:.3f}, "
                f"validation accuracy {accuracy:.2f} %, {result.images_per_second:.0f} images/s"
            )

    def _train_epoch(self, network: nn.Module) -> float:
        network.train()
        self.loaders.sampler.set_epoch(self.epoch)
        at_start = self.loaders.generator.get_state()  # a resumed epoch must open the loader in this state
        total, first_step = torch.zeros((), device=self.processes.device), self.step
        self.step_seconds = 0.0
        title = f"epoch {self.epoch + 1}"
        with tqdm(total=self.steps_per_epoch, initial=first_step, desc=title, disable=self.quiet, leave=False) as bar:
            for pixels, labels in self._batches():
                start = time.perf_counter()
                loss, accuracy = self._train_step(network, pixels, labels)
                total += loss
                self.step_seconds += time.perf_counter() - start
                self.step += 1
                bar.update()
                if not self.quiet and self.step % 10 == 0:
                    speed = (bar.format_dict["rate"] or 0) * self.recipe.batch_size * self.processes.world_size
                    bar.set_postfix_str(f"loss {loss.item():.3f}, accuracy {accuracy.item():.0%}, {speed:.0f} images/s")
                if self.processes.any(self.stop_requested) and self.step < self.steps_per_epoch:
                    self._save({**random_state(self.loaders.generator), "loader": at_start})
                    raise Stopped
        return total.item() / max(1, self.step - first_step)

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The epoch's batches from `self.step` on, as normalised floats; earlier ones are drawn and dropped."""
        random = torch.get_rng_state()
        iterator = iter(self.loaders.train)
        for _ in range(self.step):
            next(iterator)
        if self.step:
            torch.set_rng_state(random)
        device = self.processes.device
        for pixels, labels in iterator:
            normalised = normalise(pixels.to(device, non_blocking=True), self.model.config)
            yield self.mixing(normalised, labels.to(device, non_blocking=True))

    def _train_step(self, network: nn.Module, pixels: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        device = self.processes.device.type
        with torch.autocast(device, self.precision, enabled=self.precision != torch.float32):
            logits = network(pixels)
            taught = None if self.teacher is None else self.teacher.logits(pixels)
        loss = self.loss(logits.float(), labels)
        if taught is not None:
            weight = self.recipe.distill_weight
            distilled = distillation_loss(logits.float(), taught.float(), self.recipe.distill_temperature)
            loss = (1 - weight) * loss + weight * distilled
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip_norm)
        for optimizer, schedule in zip(self.optimizers, self.schedules, strict=True):
            optimizer.step()
            schedule.step()
        self.averaged.update_parameters(self.model)
        hard = labels if labels.ndim == 1 else labels.argmax(dim=1)
        return loss.detach(), (logits.detach().argmax(dim=1) == hard).float().mean()

    def _evaluate(self) -> tuple[float, float]:
        """Validation loss and accuracy (percent) of the averaged weights; nan without such images, and off main."""
        result = (float("nan"), float("nan"))
        if self.processes.is_main and self.loaders.validation is not None:
            result = evaluate(self.averaged_model, self.loaders.validation)[:2]
        self.processes.barrier()
        return result

    def _save(self, random: dict[str, Any]) -> None:
        state = self.checkpoint(random)
        if self.processes.is_main:
            self.folder.save_checkpoint(state)
        self.processes.barrier()

    def _snapshot(self, accuracy: float | None) -> None:
        model = self.averaged_model
        if self.processes.is_main and isinstance(model, MlpMixer):
            self.folder.save_snapshot(model, self.epoch, accuracy)
