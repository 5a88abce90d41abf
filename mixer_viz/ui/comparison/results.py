"""What the page "Token mixers compared" computes and keeps."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import torch

from mixer_viz import images
from mixer_viz.analysis.comparison.published import Architecture, published_architectures
from mixer_viz.analysis.comparison.token_jacobian import (
    MetaFormerJacobian,
    MetaFormerPrediction,
    metaformer_jacobian,
    predictions,
)
from mixer_viz.analysis.receptive_field import MetaFormerField, metaformer_receptive_field
from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.metaformer import load_metaformer
from mixer_viz.checkpoints.metaformer_runs import (
    MetaFormerRun,
    TrainedMetaFormer,
    metaformer_card,
    metaformer_runs,
    place_of,
)
from mixer_viz.language import mark, noted
from mixer_viz.model import TOKEN_MIXERS, MetaFormer, MixerConfig
from mixer_viz.ui.choices import Picture
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.gate import computing_on

_log = logging.getLogger(__name__)


@kept("single")
def runs() -> list[MetaFormerRun]:
    """All training runs that the card tells of; raises CheckpointError for a card that cannot be used."""
    return metaformer_runs()


@kept("single")
def card() -> dict[str, Any]:
    """Recipe and hardware of the runs."""
    return metaformer_card()


@kept("compared network", mark("Loading the networks …"))
def _network(name: str) -> MetaFormer:
    return load_metaformer(next(run.path for run in runs() if run.name == name and run.path is not None))


def networks(permutation: str = "none") -> list[TrainedMetaFormer]:
    """The networks whose weights come with the project, trained on images in this order, as the table has them.

    Those whose file is damaged are left out; `damaged` tells of them.
    """
    found = [run for run in runs() if run.path is not None and run.permutation == permutation]
    return [
        TrainedMetaFormer(run, TOKEN_MIXERS[run.token_mixer].title, network)
        for run in sorted(found, key=lambda run: place_of(run.token_mixer))
        if not isinstance(network := _network_or_fault(run.name), str)
    ]


def damaged() -> list[str]:
    """A sentence for each network whose file cannot be read."""
    found = [_network_or_fault(run.name) for run in runs() if run.path is not None]
    return [fault for fault in found if isinstance(fault, str)]


def _network_or_fault(name: str) -> MetaFormer | str:
    try:
        return _network(name)
    except CheckpointError as exc:
        _log.warning("a network of the comparison is left out: %s", exc, exc_info=True)
        return noted("{name} is left out: {error}", name=name, error=exc)


@kept("single", mark("Counting …"))
def architectures() -> tuple[Architecture, ...]:
    """Published architectures, counted without weights."""
    return published_architectures()


@kept("picture", mark("Reading the picture …"), copied=True)
def crop_for(picture: Picture, config: MixerConfig) -> np.ndarray:
    """The square that these networks see, (image_size, image_size, 3) uint8."""
    return np.asarray(images.crop_image(cached.read_picture(picture), config))


def _pixels(picture: Picture, network: MetaFormer) -> torch.Tensor:
    return images.normalise(crop_for(picture, network.config), network.config).to(network.stem.weight.device)


@kept("compared answers", mark("Running the networks …"))
def predictions_of(picture: Picture, permutation: str = "none") -> tuple[MetaFormerPrediction, ...]:
    """The answers of all networks of `networks(permutation)`, in their order."""
    all_networks = {each.title: each.network for each in networks(permutation)}
    pixels = _pixels(picture, next(iter(all_networks.values())))
    with computing_on(pixels.device):
        return predictions(all_networks, pixels)


@kept("compared result", mark("Working out who listens to whom …"))
def jacobian_of(picture: Picture, trained: TrainedMetaFormer, block: int) -> MetaFormerJacobian:
    """Who listens to whom in one block, counted from 0."""
    pixels = _pixels(picture, trained.network)
    with computing_on(pixels.device):
        return metaformer_jacobian(trained.network, pixels, block)


@kept("compared result", mark("Following the gradients back …"))
def field_of(picture: Picture, trained: TrainedMetaFormer, token: int) -> MetaFormerField:
    """From where one token's features come, stage by stage."""
    pixels = _pixels(picture, trained.network)
    with computing_on(pixels.device):
        return metaformer_receptive_field(trained.network, pixels, token)
