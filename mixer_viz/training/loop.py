"""The training loop: epochs with averaged weights, saved so that it can go on exactly where it stopped."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn
from tqdm import tqdm

from mixer_viz.checkpoints.networks import AnyNetwork
from mixer_viz.model import MlpMixer
from mixer_viz.model.convnet import ConvNet
from mixer_viz.training.data.labelled import ImageData
from mixer_viz.training.data.loaders import open_loaders
from mixer_viz.training.evaluation import evaluate
from mixer_viz.training.precision import choose_precision
from mixer_viz.training.processes import Processes
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.state import EpochResult, RunFolder, random_state, restore_random_state, snapshot_epochs
from mixer_viz.training.stepper import Stepper
from mixer_viz.training.stopping import Stopped, on_stop_signals

_WHITENING_IMAGES = 5000
_VIEW_SEEDS = 1_000_003  # from one view to the next, far more than from process to process


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
        self.loaders = open_loaders(data, recipe, processes, workers, self.quiet)
        self.steps_per_epoch = len(self.loaders.train)
        if self.steps_per_epoch == 0:
            own = len(self.loaders.sampler)
            raise ValueError(f"{own} images do not fill a batch of {recipe.batch_size}; give a smaller --batch-size.")
        self.stepper = Stepper(recipe, data.class_names, processes.device, self.steps_per_epoch)
        # Measured speeds differ from process to process, but all must choose alike.
        chosen = choose_precision(recipe.precision, self.model, recipe.batch_size)
        self.stepper.precision = processes.gather(chosen)[0]
        self.epoch, self.step = 0, 0  # epochs done, steps done in the current one
        self.step_seconds = 0.0  # in forward pass, backward pass and step, since the epoch began
        self.stop_requested = False
        torch.manual_seed(recipe.seed + 1 + processes.rank)

    @property
    def model(self) -> AnyNetwork:
        """What learns."""
        return self.stepper.model

    @property
    def averaged_model(self) -> AnyNetwork:
        """What is measured and shipped."""
        return self.stepper.averaged_model

    def start_from(self, weights: dict[str, Tensor]) -> None:
        """Begin with trained weights instead of drawn ones, token mixing excepted where the recipe says so."""
        self.stepper.start_from(weights)
        if self.recipe.reset_token_mixing:
            torch.manual_seed(self.recipe.seed + 1 + self.processes.rank)

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `checkpoint()`'s state: weights, averages, optimiser, schedule, generators and position."""
        if len(state["random"]) != self.processes.world_size:
            raise ValueError(
                f"The run was started with {len(state['random'])} processes and cannot go on with "
                f"{self.processes.world_size}; use the same number."
            )
        self.stepper.restore(state)
        self.epoch, self.step = state["epoch"], state["step"]
        own = state["random"][self.processes.rank]
        self.loaders.generator.set_state(own["loader"])
        restore_random_state(own)
        if self.stepper.views is not None:
            self.stepper.views.kept.copy_(state["taught"][self.processes.rank])

    def checkpoint(self, random: dict[str, Any]) -> dict[str, Any]:
        """The state that `restore` takes; a collective call, with this process's generators."""
        views = self.stepper.views
        return {
            "recipe": self.recipe.as_dict(),
            "class_names": list(self.model.config.class_names or ()),
            **self.stepper.state(),
            "epoch": self.epoch,
            "step": self.step,
            "random": self.processes.gather(random),
            **({} if views is None else {"taught": self.processes.gather(views.kept)}),
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

    def _see_images(self) -> None:
        """The convnet's look at images that are the same on every process."""
        if isinstance(self.model, ConvNet):
            self.stepper.see_images(self.loaders.first_look(_WHITENING_IMAGES))

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
        lr = self.stepper.lr
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
        self._choose_view()
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

    def _choose_view(self) -> None:
        """Which order, crops and mixes the epoch has: new ones, or those of an earlier epoch again."""
        views = self.stepper.views
        if views is None:
            self.loaders.sampler.set_epoch(self.epoch)
            return
        view = views.view(self.epoch)
        self.loaders.sampler.set_epoch(view)
        if self.step == 0:  # otherwise the generators were restored in the middle of the epoch
            seed = self.recipe.seed + 1000 * self.processes.rank + _VIEW_SEEDS * (1 + view)
            self.loaders.generator.manual_seed(seed)
            torch.manual_seed(seed)

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The epoch's batches from `self.step` on, as normalised floats; earlier ones are drawn and dropped."""
        random = torch.get_rng_state()
        iterator = iter(self.loaders.train)
        for _ in range(self.step):
            next(iterator)
        if self.step:
            torch.set_rng_state(random)
        views = self.stepper.views
        for images, classes in iterator:
            pixels, labels = self.stepper.mixed(images, classes)
            yield pixels if views is None else views.shown(pixels, self.epoch), labels

    def _train_step(self, network: nn.Module, pixels: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        return self.stepper.step(network, pixels, labels, (self.epoch, self.step))

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
