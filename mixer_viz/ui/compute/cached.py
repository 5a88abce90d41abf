"""The caches that all pages share, with their bounds. Keys are plain values; an underscore marks what one stands for.

Bounds: 3 models (L/16 has 0.8 GB), 32 crops and previews, 3 traces (bundled model 4 MB, B/16 0.1 GB, L/16 0.4 GB each).
The pages' own results have at most MAX_RESULTS per kind (B/16: about 3 MB each).
"""

from __future__ import annotations

import io

import numpy as np
import streamlit as st
import torch
from PIL import Image

from mixer_viz import checkpoints, images
from mixer_viz.figures.photo import photo_with_crop
from mixer_viz.images import samples
from mixer_viz.model import MlpMixer, Trace, trace
from mixer_viz.ui.choices import Choice, ChosenModel, Picture, UploadedWeights
from mixer_viz.ui.compute.gate import computing_on

MAX_MODELS = 3
MAX_PICTURES = 32
MAX_RESULTS = 32
MAX_TRACES = 3


@st.cache_resource(max_entries=MAX_MODELS, show_spinner="Loading the model …")
def named_model(name: str) -> MlpMixer:
    return checkpoints.load_model(name)


@st.cache_resource(max_entries=MAX_MODELS, show_spinner="Reading your checkpoint …")
def uploaded_model(key: str, _weights: UploadedWeights) -> MlpMixer:
    return checkpoints.load_model_bytes(_weights.data, _weights.name, side_file=_weights.side_file)


@st.cache_data(max_entries=MAX_RESULTS, show_spinner=False, ttl=60)
def model_list() -> list[checkpoints.ModelInfo]:
    return checkpoints.available_models()


@st.cache_data(max_entries=MAX_PICTURES, show_spinner="Reading the picture …")
def _crop(picture_key: str, model_key: str, _choice: Choice) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    photo = read_picture(_choice.picture)
    config = _choice.model.config
    preview = photo_with_crop(photo, images.crop_box(photo.size, config))
    return np.asarray(images.crop_image(photo, config)), preview, photo.size


def crop_of(choice: Choice) -> np.ndarray:
    """The square that the network sees, (image_size, image_size, 3) uint8."""
    return _crop(choice.picture.key, choice.model.key, choice)[0]


def preview_of(choice: Choice) -> tuple[np.ndarray, tuple[int, int]]:
    """The whole photo with the crop marked, (H, W, 3) uint8, and the photo's (width, height)."""
    _, preview, size = _crop(choice.picture.key, choice.model.key, choice)
    return preview, size


@st.cache_data(max_entries=MAX_PICTURES, show_spinner=False)
def _thumbnail(picture_key: str, _picture: Picture) -> bytes:
    photo = read_picture(_picture)
    photo.thumbnail((260, 220), reducing_gap=2.0)
    buffer = io.BytesIO()
    photo.save(buffer, format="WEBP", quality=85)
    return buffer.getvalue()


def thumbnail_of(picture: Picture) -> bytes:
    """A small version for the sidebar, as WebP."""
    return _thumbnail(picture.key, picture)


def read_picture(picture: Picture) -> Image.Image:
    """The full picture, decoded anew: callers keep only what they cut from it."""
    return samples.load_sample(picture.key) if picture.data is None else images.open_image(picture.data)


def pixels_of(picture: Picture, model: ChosenModel) -> torch.Tensor:
    """The normalised crop of a picture, (1, 3, H, W), on the model's device."""
    crop = crop_of(Choice(model, picture))
    return images.normalise(crop, model.config).to(model.model.stem.weight.device)


@st.cache_resource(max_entries=MAX_TRACES, show_spinner="Running the Mixer …")
def _trace(picture_key: str, model_key: str, _choice: Choice) -> Trace:
    pixels = pixels_of(_choice.picture, _choice.model)
    with computing_on(pixels.device):
        return trace(_choice.model.model, pixels)


def trace_of(choice: Choice) -> Trace:
    """Every intermediate tensor of one picture, on the model's device."""
    return _trace(choice.picture.key, choice.model.key, choice)
