"""Learning from a trained network as well as from the labels (Hinton et al. 2015, arXiv 1503.02531).

Teacher and student see the same mixed view of every image, as Beyer et al. 2021 (arXiv 2106.05237) found necessary:
logits that were computed once, on other crops, are overfitted. Where the teacher takes too much of the time, the views
of some epochs may come again, with the logits that it had for them (Shen and Xing 2021, arXiv 2112.01528).
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from mixer_viz.checkpoints import CheckpointError
from mixer_viz.checkpoints.networks import AnyNetwork, load_network
from mixer_viz.training.data.labelled import in_words
from mixer_viz.training.recipe import Recipe

MAX_KEPT_BYTES = 2**31


@dataclasses.dataclass(frozen=True)
class Teacher:
    """A network in eval mode whose weights stay as they are, and the SHA-256 of the file that it came from."""

    network: nn.Module
    scale: Tensor  # (3, 1, 1): from the student's normalisation to the teacher's, pixels * scale + shift
    shift: Tensor
    sha256: str
    flip: bool = False  # the mean of its logits for an image and for its mirror image

    @torch.no_grad()
    def logits(self, pixels: Tensor) -> Tensor:
        """(N, 3, H, W), normalised as the student wants them -> the teacher's logits (N, num_classes)."""
        seen = pixels * self.scale + self.shift
        logits = cast(Tensor, self.network(seen))
        return (logits + cast(Tensor, self.network(seen.flip(3)))) / 2 if self.flip else logits


class RepeatedViews:
    """The teacher's logits for the views of the first epochs, which come again in turn and need no teacher then.

    A teacher that looks at mirror images too says the same of both: with it, views come mirrored every other time.
    `kept` is (views, steps, N, num_classes) in half precision, in the order in which the batches come. Raises
    ValueError when that is more than `MAX_KEPT_BYTES`.
    """

    def __init__(self, recipe: Recipe, steps_per_epoch: int, num_classes: int) -> None:
        shape = (recipe.teacher_views, steps_per_epoch, recipe.batch_size, num_classes)
        if 2 * math.prod(shape) > MAX_KEPT_BYTES:
            fit = MAX_KEPT_BYTES // (2 * math.prod(shape[1:]))
            instead = f"give {fit} or less" if fit else "leave it away"
            raise ValueError(
                f"--teacher-views {shape[0]} would keep more logits than memory is set aside for; {instead}."
            )
        self.kept = torch.zeros(shape, dtype=torch.float16)
        self.mirrors = recipe.teacher_flip

    def view(self, epoch: int) -> int:
        """Which view an epoch shows; both count from 0."""
        return epoch % len(self.kept)

    def shown(self, pixels: Tensor, epoch: int) -> Tensor:
        """(N, 3, H, W) pixels of the epoch's view as the student sees them this time."""
        return pixels.flip(3) if self.mirrors and epoch // len(self.kept) % 2 else pixels

    def logits(self, teacher: Teacher, pixels: Tensor, epoch: int, step: int) -> Tensor:
        """(N, 3, H, W) pixels of a step -> logits (N, num_classes): the teacher's at first, those kept from then on."""
        if epoch < len(self.kept):
            self.kept[epoch, step] = teacher.logits(pixels)
        return self.kept[self.view(epoch), step].to(pixels.device)


def open_teacher(recipe: Recipe, student: AnyNetwork, device: torch.device) -> Teacher | None:
    """The recipe's teacher, or None without one; raises ValueError in one sentence when the two do not fit."""
    if not recipe.teacher:
        return None
    path = Path(recipe.teacher)
    try:
        network = load_network(path, device)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    except (CheckpointError, OSError) as exc:
        raise ValueError(f"The teacher {path} cannot be read: {exc}") from exc
    own, other = student.config, network.config
    if other.image_size != own.image_size:
        raise ValueError(
            f"The teacher {path} reads {other.image_size} px images and this run {own.image_size} px; choose one that "
            f"was trained with --image-size {own.image_size}."
        )
    # A bundled model has its classes' names in words, a run those of the folders.
    known, asked = (tuple(map(in_words, names or ())) for names in (other.class_names, own.class_names))
    if other.num_classes != own.num_classes or (known and known != asked):
        raise ValueError(
            f"The teacher {path} knows {_classes(other.class_names, other.num_classes)}, but the data have "
            f"{_classes(own.class_names, own.num_classes)}; choose a teacher that was trained on the same classes."
        )
    mean, std = (torch.tensor(values or (0.5, 0.5, 0.5)).view(3, 1, 1) for values in (own.mean, own.std))
    teacher_mean, teacher_std = (torch.tensor(values or (0.5,) * 3).view(3, 1, 1) for values in (other.mean, other.std))
    scale, shift = (std / teacher_std).to(device), ((mean - teacher_mean) / teacher_std).to(device)
    compiled = cast(nn.Module, torch.compile(network)) if recipe.compile else network
    return Teacher(compiled, scale, shift, sha256, recipe.teacher_flip)


def _classes(names: tuple[str, ...] | None, count: int) -> str:
    if names is None:
        return f"{count} classes without names"
    shown = ", ".join(name[:30] for name in names[:3])
    return f"{count} classes ({shown}{', ...' if count > 3 else ''})"


def distillation_loss(logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """T^2 KL(teacher || student) of the class probabilities at temperature T, (N, num_classes) logits each -> (N,)."""
    student = nn.functional.log_softmax(logits / temperature, dim=1)
    teacher = nn.functional.log_softmax(teacher_logits / temperature, dim=1)
    return temperature**2 * nn.functional.kl_div(student, teacher, reduction="none", log_target=True).sum(dim=1)


def taught_loss(logits: Tensor, labels: Tensor, teacher_logits: Tensor, recipe: Recipe) -> Tensor:
    """Mean over the images of a (1 - w) share of cross-entropy with the labels and the rest from the teacher.

    w is the recipe's `distill_weight`. What has no label has no cross-entropy either: there the teacher says all, and
    in an image that is mixed from both kinds, the label's share is smaller by the part that has none.

    Args:
        logits: (N, num_classes), as are those of the teacher.
        labels: (N,) class indices, `num_classes` where there is none, or (N, num_classes) shares, with one more for
            what has no label where there is such.
    """
    num_classes = logits.shape[1]
    if labels.ndim == 1:
        labels = nn.functional.one_hot(labels, num_classes + 1)
    known = labels[:, :num_classes].to(logits.dtype)
    share = known.sum(dim=1)
    target = known / share.clamp(min=torch.finfo(share.dtype).eps)[:, None]
    own = nn.functional.cross_entropy(logits, target, reduction="none", label_smoothing=recipe.label_smoothing)
    weight = (1 - recipe.distill_weight) * share
    taught = distillation_loss(logits, teacher_logits, recipe.distill_temperature)
    return (weight * own + (1 - weight) * taught).mean()
