"""What all plots of one picture need."""

from __future__ import annotations

import numpy as np
from PIL import Image

from mixer_viz.images import crop_image
from mixer_viz.language import tr
from mixer_viz.model import MlpMixer


def crop_of(model: MlpMixer, image: Image.Image) -> np.ndarray:
    """The part of a picture that the network sees, (H, W, 3) uint8."""
    return np.asarray(crop_image(image, model.config))


def class_name(model: MlpMixer, index: int) -> str:
    """The name of a class, or its number where the model has no names."""
    names = model.config.class_names
    return names[index] if names else tr("class {index}", index=index)
