"""What the page "Token mixers compared" computes and keeps.

Bounds: the networks that come with the project (0.2 M parameters each), 64 results per kind and network: a listening of
64 patches has 100 KB, a receptive field of 32 pixels 60 KB.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
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
from mixer_viz.checkpoints.metaformer import load_metaformer
from mixer_viz.checkpoints.metaformer_runs import (
    MetaFormerRun,
    TrainedMetaFormer,
    metaformer_card,
    metaformer_runs,
    place_of,
)
from mixer_viz.model import TOKEN_MIXERS, MetaFormer, MixerConfig
from mixer_viz.ui.choices import Picture
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.gate import computing_on

MAX_NETWORKS = 16
_MAX_RESULTS = 64


@st.cache_resource(max_entries=1, show_spinner=False)
def runs() -> list[MetaFormerRun]:
    """All training runs that the card tells of; raises CheckpointError for a card that cannot be used."""
    return metaformer_runs()


@st.cache_resource(max_entries=1, show_spinner=False)
def card() -> dict[str, Any]:
    """Recipe and hardware of the runs."""
    return metaformer_card()


@st.cache_resource(max_entries=MAX_NETWORKS, show_spinner="Loading the networks …")
def _network(name: str) -> MetaFormer:
    return load_metaformer(next(run.path for run in runs() if run.name == name and run.path is not None))


def networks(permutation: str = "none") -> list[TrainedMetaFormer]:
    """The networks whose weights come with the project, trained on images in this order, as the table has them."""
    found = [run for run in runs() if run.path is not None and run.permutation == permutation]
    return [
        TrainedMetaFormer(run, TOKEN_MIXERS[run.token_mixer].title, _network(run.name))
        for run in sorted(found, key=lambda run: place_of(run.token_mixer))
    ]


@st.cache_resource(max_entries=1, show_spinner="Counting …")
def architectures() -> tuple[Architecture, ...]:
    """Published architectures, counted without weights."""
    return published_architectures()


@st.cache_data(max_entries=cached.MAX_PICTURES, show_spinner="Reading the picture …")
def _crop(picture_key: str, config_text: str, _picture: Picture, _config: MixerConfig) -> np.ndarray:
    return np.asarray(images.crop_image(cached.read_picture(_picture), _config))


def crop_for(picture: Picture, config: MixerConfig) -> np.ndarray:
    """The square that these networks see, (image_size, image_size, 3) uint8."""
    return _crop(picture.key, config.to_json(), picture, config)


def _pixels(picture: Picture, network: MetaFormer) -> torch.Tensor:
    return images.normalise(crop_for(picture, network.config), network.config).to(network.stem.weight.device)


@st.cache_resource(max_entries=_MAX_RESULTS, show_spinner="Running the networks …")
def _predictions(picture_key: str, permutation: str, _picture: Picture) -> tuple[MetaFormerPrediction, ...]:
    all_networks = {each.title: each.network for each in networks(permutation)}
    pixels = _pixels(_picture, next(iter(all_networks.values())))
    with computing_on(pixels.device):
        return predictions(all_networks, pixels)


def predictions_of(picture: Picture, permutation: str = "none") -> tuple[MetaFormerPrediction, ...]:
    """The answers of all networks of `networks(permutation)`, in their order."""
    return _predictions(picture.key, permutation, picture)


@st.cache_resource(max_entries=8 * _MAX_RESULTS, show_spinner="Working out who listens to whom …")
def _jacobian(picture_key: str, name: str, block: int, _picture: Picture, _network: MetaFormer) -> MetaFormerJacobian:
    pixels = _pixels(_picture, _network)
    with computing_on(pixels.device):
        return metaformer_jacobian(_network, pixels, block)


def jacobian_of(picture: Picture, trained: TrainedMetaFormer, block: int) -> MetaFormerJacobian:
    """Who listens to whom in one block, counted from 0."""
    return _jacobian(picture.key, trained.run.name, block, picture, trained.network)


@st.cache_resource(max_entries=8 * _MAX_RESULTS, show_spinner="Following the gradients back …")
def _field(picture_key: str, name: str, token: int, _picture: Picture, _network: MetaFormer) -> MetaFormerField:
    pixels = _pixels(_picture, _network)
    with computing_on(pixels.device):
        return metaformer_receptive_field(_network, pixels, token)


def field_of(picture: Picture, trained: TrainedMetaFormer, token: int) -> MetaFormerField:
    """From where one token's features come, stage by stage."""
    return _field(picture.key, trained.run.name, token, picture, trained.network)
