"""Published Mixers under timm's names: their settings from timm, their weights from the Hugging Face Hub.

timm is imported where it is used, because importing it takes seconds.
"""

from __future__ import annotations

import dataclasses
import errno
import inspect
import socket
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    HTTPError,
    RepositoryNotFoundError,
    XetDownloadError,
)
from huggingface_hub.utils import tqdm

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.preparation import Preparation
from mixer_viz.language import mark, noted, noted_list
from mixer_viz.model import PRESETS, MixerConfig

Progress = Callable[[int, int], None]  # bytes done, bytes in all

WEIGHTS_FILE = "model.safetensors"
_DISK_ERRORS = (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM)
_MEASURED = mark("ImageNet-1k validation set, 224 px, as re-measured by timm (results-imagenet.csv)")


@dataclasses.dataclass(frozen=True)
class PublishedModel:
    """One checkpoint that timm publishes; accuracy is measured top-1 in percent on ImageNet-1k, or None."""

    name: str
    preset: str  # key of PRESETS
    num_classes: int
    description: str
    accuracy: float | None

    @property
    def accuracy_note(self) -> str:
        """Where the accuracy is from, or why there is none."""
        if self.accuracy is not None:
            return _MEASURED
        return noted(
            "not measured: its head has {classes:,} ImageNet-21k classes, so ImageNet-1k accuracy does not apply",
            classes=self.num_classes,
        )

    @property
    def config(self) -> MixerConfig:
        """The sizes, without preprocessing."""
        return dataclasses.replace(PRESETS[self.preset], num_classes=self.num_classes)

    @property
    def repo_id(self) -> str:
        """The repository on the Hub."""
        return f"timm/{self.name}"


# One per checkpoint with trained weights; within an architecture timm's default comes first.
PUBLISHED = {
    name: PublishedModel(name, preset, num_classes, description, accuracy)
    for name, preset, num_classes, description, accuracy in (
        ("mixer_b16_224.goog_in21k_ft_in1k", "B/16", 1000, mark("Mixer-B/16 by Google, ImageNet-1k classes"), 76.616),
        (
            "mixer_b16_224.miil_in21k_ft_in1k",
            "B/16",
            1000,
            mark("Mixer-B/16 by Alibaba MIIL, ImageNet-1k classes"),
            82.314,
        ),
        ("mixer_l16_224.goog_in21k_ft_in1k", "L/16", 1000, mark("Mixer-L/16 by Google, ImageNet-1k classes"), 72.084),
        ("mixer_b16_224.goog_in21k", "B/16", 21843, mark("Mixer-B/16 by Google, ImageNet-21k classes"), None),
        ("mixer_b16_224.miil_in21k", "B/16", 11221, mark("Mixer-B/16 by Alibaba MIIL, ImageNet-21k classes"), None),
        ("mixer_l16_224.goog_in21k", "L/16", 21843, mark("Mixer-L/16 by Google, ImageNet-21k classes"), None),
    )
}


def published_model(name: str) -> PublishedModel | None:
    """The checkpoint with this timm name; a name without its tag means timm's default for that architecture."""
    for model in PUBLISHED.values():
        if name in (model.name, model.name.partition(".")[0]):
            return model
    return None


def cached_weights(model: PublishedModel) -> Path | None:
    """Where the Hub's cache keeps the weights, or None when they are not on this computer."""
    found = huggingface_hub.try_to_load_from_cache(model.repo_id, WEIGHTS_FILE)
    return Path(found) if isinstance(found, str) else None


def fetch_weights(model: PublishedModel, progress: Progress | None = None) -> Path:
    """The weights from the Hub's cache, else downloaded into it; an interrupted download is resumed.

    Args:
        progress: called with bytes done and bytes in all, possibly from another thread. Without it the Hub's client
            shows its own bar where there is a terminal.

    Raises CheckpointError when the weights are neither here nor reachable.
    """
    cached = cached_weights(model)
    if cached is not None:
        return cached  # without asking the Hub first, which would wait for a time-out where there is no network
    options: dict[str, Any] = {}
    if progress is not None and "tqdm_class" in inspect.signature(huggingface_hub.hf_hub_download).parameters:
        options["tqdm_class"] = _progress_bar(progress)
    try:
        _check_network()
        return Path(huggingface_hub.hf_hub_download(model.repo_id, WEIGHTS_FILE, **options))
    except (OSError, EntryNotFoundError, HTTPError, XetDownloadError, RuntimeError) as exc:
        raise CheckpointError(_download_failed(model, exc)) from exc


def preparation_of(model: PublishedModel) -> Preparation:
    """Preprocessing from timm's own table, and the names of the ImageNet classes, without a network."""
    from timm.models import get_pretrained_cfg

    cfg = get_pretrained_cfg(model.name)
    if cfg is None:
        raise CheckpointError(
            noted("This version of timm does not know {name}; install timm 1.0 or newer.", name=model.name)
        )
    return Preparation(
        mean=tuple(cfg.mean),
        std=tuple(cfg.std),
        interpolation=cfg.interpolation,
        crop_pct=cfg.crop_pct,
        class_names=imagenet_class_names(cfg.num_classes),
        gelu="erf",
        layer_norm_eps=1e-6,
        image_size=cfg.input_size[-1],
    )


def imagenet_class_names(num_classes: int) -> tuple[str, ...] | None:
    """WordNet descriptions of the ImageNet subset that has this many classes (timm's table), or None if unknown."""
    from timm.data import ImageNetInfo, infer_imagenet_subset

    subset = infer_imagenet_subset({"num_classes": num_classes})
    return None if subset is None else tuple(ImageNetInfo(subset).label_descriptions())


def _check_network() -> None:
    """Raise OSError at once where the Hub's name cannot be resolved; its client would try for half a minute."""
    # A proxy resolves names itself, so what this computer knows says nothing there.
    if not urllib.request.getproxies():
        socket.getaddrinfo(urllib.parse.urlsplit(huggingface_hub.constants.ENDPOINT).hostname, None)


def _download_failed(model: PublishedModel, error: Exception) -> str:
    from mixer_viz.checkpoints.bundled import bundled_models

    bundled = noted_list(entry.name for entry in bundled_models()) or noted("none is installed here")
    advice = noted("or use a bundled model ({bundled}), which works offline", bundled=bundled)
    name, reason = model.name, type(error).__name__
    if isinstance(error, RepositoryNotFoundError):
        return noted(
            "The Hugging Face Hub has no repository {repository}; check the name, {advice}.",
            repository=model.repo_id,
            advice=advice,
        )
    if isinstance(error, HfHubHTTPError):
        return noted(
            "The Hugging Face Hub refused to send {name} ({reason}); try again later, {advice}.",
            name=name,
            reason=reason,
            advice=advice,
        )
    if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        return noted(
            "The weights of {name} could not be stored ({reason}); make room for them, {advice}.",
            name=name,
            reason=error.strerror,
            advice=advice,
        )
    return noted(
        "The weights of {name} are not on this computer and could not be downloaded ({reason}); "
        "connect to the network once, {advice}.",
        name=name,
        reason=noted("no network") if isinstance(error, socket.gaierror) else reason,
        advice=advice,
    )


def _progress_bar(progress: Progress) -> type[tqdm]:
    """A tqdm class that draws nothing and passes the byte counts on."""

    class ProgressBar(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})  # type: ignore[no-untyped-call]  # tqdm's own

        def update(self, n: float | None = 1) -> None:
            self.n += n or 0  # a disabled bar does not count by itself
            if self.total:
                progress(int(self.n), int(self.total))

        def update_transfer(self, n: float) -> None:
            """Bytes on the wire, which the client counts apart where it can; with this method it opens one bar only."""

    return ProgressBar
