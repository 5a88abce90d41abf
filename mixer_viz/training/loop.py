"""The training loop: epochs of AdamW with averaged weights, saved so that it can go on exactly where it stopped."""

from __future__ import annotations

import dataclasses
import signal
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, DistributedSampler
from tqdm import tqdm

from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.training.augment import BatchMixing, test_transform, train_transform
from mixer_viz.training.data import ImageData, ImageDataset
from mixer_viz.training.optim import build_optimizer, build_schedule, initialise
from mixer_viz.training.precision import choose_precision
from mixer_viz.training.processes import Processes
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.state import SNAPSHOT_EPOCHS, EpochResult, RunFolder, random_state, restore_random_state


class Stopped(Exception):
    """Ctrl-C or SIGTERM came; everything is saved."""


class Trainer:
    """One run. Build it, `restore` a checkpoint if there is one, then `run`."""

    def __init__(
        self,
        recipe: Recipe,
        data: ImageData,
        folder: RunFolder,
        processes: Processes,
        num_workers: int,
        quiet: bool = False,
    ) -> None:
        self.recipe, self.folder, self.processes = recipe, folder, processes
        self.quiet = quiet or not processes.is_main
        self.num_workers = num_workers
        self.model = build_model(recipe, data.class_names).to(processes.device)
        self.averaged = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema_decay), use_buffers=True)
        self._open_data(data)
        self.steps_per_epoch = len(self.train_loader)
        if self.steps_per_epoch == 0:
            images = len(data.train.images) // processes.world_size
            raise ValueError(
                f"{images} images do not fill a batch of {recipe.batch_size}; give a smaller --batch-size."
            )
        self.optimizer = build_optimizer(self.model, recipe)
        self.schedule = build_schedule(self.optimizer, recipe, self.steps_per_epoch)
        self.mixing = BatchMixing(recipe, len(data.class_names))
        self.loss = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
        self.precision = choose_precision(recipe.precision, self.model, recipe.batch_size)
        self.epoch, self.step = 0, 0  # epochs done, steps done in the current one
        self.stop_requested = False
        torch.manual_seed(recipe.seed + 1 + processes.rank)

    def _open_data(self, data: ImageData) -> None:
        recipe, processes = self.recipe, self.processes
        identity = nn.Identity()
        train = ImageDataset(data.train, recipe.image_size, identity, "training images", self.quiet)
        train.transform = train_transform(recipe, train.native_size)
        test = ImageDataset(data.test, recipe.image_size, identity, "test images", self.quiet)
        test.transform = test_transform(recipe, test.native_size)
        # The sampler's order depends on seed and epoch alone, the workers' seeds on this generator alone: with both
        # stored, a resumed epoch draws the same images with the same augmentation.
        self.loader_generator = torch.Generator().manual_seed(recipe.seed + 1000 * processes.rank)
        self.sampler: DistributedSampler[Any] = DistributedSampler(
            train, processes.world_size, processes.rank, shuffle=True, seed=recipe.seed
        )
        pin = processes.device.type == "cuda"
        self.train_loader = DataLoader(
            train,
            recipe.batch_size,
            sampler=self.sampler,
            num_workers=self.num_workers,
            drop_last=True,
            pin_memory=pin,
            generator=self.loader_generator,
        )
        self.test_loader = DataLoader(test, 500, num_workers=self.num_workers, pin_memory=pin)

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
        self.loader_generator.set_state(own["loader"])
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
        handlers = {number: signal.signal(number, self._request_stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            if self.epoch == 0 and self.step == 0:
                self._snapshot(None)
            network = self._wrap()
            while self.epoch < self.recipe.epochs:
                self._run_epoch(network)
            if self.processes.is_main:
                self.folder.save_final(self.averaged_model)
            self.processes.barrier()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    @property
    def averaged_model(self) -> MlpMixer:
        """The exponential moving average of the weights: what is measured and shipped."""
        return cast(MlpMixer, self.averaged.module)

    def _request_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop_requested = True

    def _wrap(self) -> nn.Module:
        network: nn.Module = self.model
        if self.processes.world_size > 1:
            device = self.processes.device
            network = nn.parallel.DistributedDataParallel(network, [device.index] if device.type == "cuda" else None)
        return cast(nn.Module, torch.compile(network)) if self.recipe.compile else network

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
        self._save(random_state(self.loader_generator))
        if self.processes.is_main:
            result = EpochResult(self.epoch, lr, train_loss, test_loss, accuracy, images / trained, seconds)
            self.folder.log(result)
            if not self.quiet:
                tqdm.write(
                    f"epoch {self.epoch}/{self.recipe.epochs}: loss {train_loss:.3f}, test accuracy {accuracy:.2f} %, "
                    f"{result.images_per_second:.0f} images/s"
                )
        if self.epoch in SNAPSHOT_EPOCHS or self.epoch == self.recipe.epochs:
            self._snapshot(accuracy)

    def _train_epoch(self, network: nn.Module) -> float:
        network.train()
        self.sampler.set_epoch(self.epoch)
        at_start = self.loader_generator.get_state()  # a resumed epoch must open the loader in this state
        total, first_step = torch.zeros((), device=self.processes.device), self.step
        batches = self._batches()
        title = f"epoch {self.epoch + 1}"
        with tqdm(total=self.steps_per_epoch, initial=first_step, desc=title, disable=self.quiet, leave=False) as bar:
            for pixels, labels in batches:
                loss, accuracy = self._train_step(network, pixels, labels)
                total += loss
                self.step += 1
                bar.update()
                if not self.quiet and self.step % 10 == 0:
                    speed = (bar.format_dict["rate"] or 0) * self.recipe.batch_size * self.processes.world_size
                    bar.set_postfix_str(f"loss {loss.item():.3f}, accuracy {accuracy.item():.0%}, {speed:.0f} images/s")
                if self.processes.any(self.stop_requested) and self.step < self.steps_per_epoch:
                    self._save({**random_state(self.loader_generator), "loader": at_start})
                    raise Stopped
        return total.item() / max(1, self.step - first_step)

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The epoch's batches from `self.step` on, as normalised floats; earlier ones are drawn and dropped."""
        random = torch.get_rng_state()
        iterator = iter(self.train_loader)
        for _ in range(self.step):
            next(iterator)
        if self.step:
            torch.set_rng_state(random)
        device = self.processes.device
        for pixels, labels in iterator:
            normalised = self._normalise(pixels.to(device, non_blocking=True))
            yield self.mixing(normalised, labels.to(device, non_blocking=True))

    def _normalise(self, pixels: Tensor) -> Tensor:
        config = self.model.config
        mean, std = (torch.tensor(values, device=pixels.device).view(3, 1, 1) for values in (config.mean, config.std))
        return (pixels.float() / 255 - mean) / std

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

    @torch.no_grad()
    def _evaluate(self) -> tuple[float, float]:
        """Loss and accuracy (percent) of the averaged weights on all test images, in float32, on the main process."""
        if not self.processes.is_main:
            self.processes.barrier()
            return float("nan"), float("nan")
        model = self.averaged_model.eval()
        correct, loss, count = 0, 0.0, 0
        for pixels, labels in self.test_loader:
            labels = labels.to(self.processes.device)
            logits = model(self._normalise(pixels.to(self.processes.device)))
            loss += nn.functional.cross_entropy(logits, labels, reduction="sum").item()
            correct += int((logits.argmax(dim=1) == labels).sum())
            count += len(labels)
        self.processes.barrier()
        return loss / count, 100 * correct / count

    def _save(self, random: dict[str, Any]) -> None:
        state = self.checkpoint(random)
        if self.processes.is_main:
            self.folder.save_checkpoint(state)
        self.processes.barrier()

    def _snapshot(self, accuracy: float | None) -> None:
        if self.processes.is_main:
            self.folder.save_snapshot(self.averaged_model, self.epoch, accuracy)


def build_model(recipe: Recipe, class_names: tuple[str, ...]) -> MlpMixer:
    """A Mixer of the recipe's size with the recipe's initial weights, drawn from its seed."""
    sizes = {
        field.name: getattr(recipe, field.name)
        for field in dataclasses.fields(MixerConfig)
        if hasattr(recipe, field.name) and field.name != "num_classes"
    }
    config = MixerConfig(
        **sizes,
        num_classes=len(class_names),
        class_names=class_names,
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        interpolation="bilinear",
        crop_pct=1.0,
    )
    torch.manual_seed(recipe.seed)
    model = MlpMixer(config)
    initialise(model, recipe.token_mixing_std)
    return model
