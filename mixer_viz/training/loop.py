"""The training loop: epochs of AdamW with averaged weights, saved so that it can go on exactly where it stopped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from mixer_viz.model import MlpMixer, Network
from mixer_viz.training.augment import BatchMixing
from mixer_viz.training.build import build_model
from mixer_viz.training.data import ImageData
from mixer_viz.training.evaluation import evaluate
from mixer_viz.training.loaders import normalise, open_loaders
from mixer_viz.training.optim import build_optimizer, build_schedule, reset_token_mixing
from mixer_viz.training.precision import choose_precision
from mixer_viz.training.processes import Processes
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.state import SNAPSHOT_EPOCHS, EpochResult, RunFolder, random_state, restore_random_state
from mixer_viz.training.stopping import Stopped, on_stop_signals


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
        self.optimizer = build_optimizer(self.model, recipe)
        self.schedule = build_schedule(self.optimizer, recipe, self.steps_per_epoch)
        self.mixing = BatchMixing(recipe, len(data.class_names))
        self.loss = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
        # Measured speeds differ from process to process, but all must choose alike.
        self.precision = processes.gather(choose_precision(recipe.precision, self.model, recipe.batch_size))[0]
        self.epoch, self.step = 0, 0  # epochs done, steps done in the current one
        self.stop_requested = False
        torch.manual_seed(recipe.seed + 1 + processes.rank)

    def start_from(self, weights: dict[str, Tensor]) -> None:
        """Begin with trained weights instead of drawn ones, token mixing excepted where the recipe says so."""
        self.model.load_state_dict(weights, strict=not self.recipe.reset_token_mixing)
        if self.recipe.reset_token_mixing:
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
        self.model.load_state_dict(state["model"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
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
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
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
                self._snapshot(None)
            network = self.processes.distribute(self.model)
            if self.recipe.compile:
                network = cast(nn.Module, torch.compile(network))
            while self.epoch < self.recipe.epochs:
                self._run_epoch(network)
            if self.processes.is_main:
                self.folder.save_final(self.averaged_model)
            self.processes.barrier()

    @property
    def averaged_model(self) -> Network:
        """The exponential moving average of the weights: what is measured and shipped."""
        return cast(Network, self.averaged.module)

    def _request_stop(self, *_: object) -> None:
        self.stop_requested = True

    def _run_epoch(self, network: nn.Module) -> None:
        start = time.perf_counter()
        first_step = self.step
        train_loss = self._train_epoch(network)
        trained = time.perf_counter() - start
        test_loss, accuracy = self._evaluate()
        images = (self.steps_per_epoch - first_step) * self.recipe.batch_size * self.processes.world_size
        self.epoch, self.step = self.epoch + 1, 0
        lr = float(self.schedule.get_last_lr()[0])
        seconds = time.perf_counter() - start
        result = EpochResult(self.epoch, lr, train_loss, test_loss, accuracy, images / trained, seconds)
        # The checkpoint comes last: a run that is killed in between repeats the epoch and leaves no gap in the log.
        if self.processes.is_main:
            self.folder.log(result)
        if self.epoch in SNAPSHOT_EPOCHS or self.epoch == self.recipe.epochs:
            self._snapshot(accuracy)
        self._save(random_state(self.loaders.generator))
        if not self.quiet:
            tqdm.write(
                f"epoch {self.epoch}/{self.recipe.epochs}: loss {train_loss:.3f}, test accuracy {accuracy:.2f} %, "
                f"{result.images_per_second:.0f} images/s"
            )

    def _train_epoch(self, network: nn.Module) -> float:
        network.train()
        self.loaders.sampler.set_epoch(self.epoch)
        at_start = self.loaders.generator.get_state()  # a resumed epoch must open the loader in this state
        total, first_step = torch.zeros((), device=self.processes.device), self.step
        title = f"epoch {self.epoch + 1}"
        with tqdm(total=self.steps_per_epoch, initial=first_step, desc=title, disable=self.quiet, leave=False) as bar:
            for pixels, labels in self._batches():
                loss, accuracy = self._train_step(network, pixels, labels)
                total += loss
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
        loss = self.loss(logits.float(), labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip_norm)
        self.optimizer.step()
        self.schedule.step()
        self.averaged.update_parameters(self.model)
        hard = labels if labels.ndim == 1 else labels.argmax(dim=1)
        return loss.detach(), (logits.detach().argmax(dim=1) == hard).float().mean()

    def _evaluate(self) -> tuple[float, float]:
        """Loss and accuracy (percent) of the averaged weights, measured on the main process; nan on the others."""
        result = (float("nan"), float("nan"))
        if self.processes.is_main:
            result = evaluate(self.averaged_model, self.loaders.test)
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
