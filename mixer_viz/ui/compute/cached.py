"""The cached results that all pages share."""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image

from mixer_viz import checkpoints, images
from mixer_viz.analysis.arrays import one_image, probabilities, to_double
from mixer_viz.analysis.ranges import check_answer
from mixer_viz.figures.photo import photo_with_crop
from mixer_viz.images import samples
from mixer_viz.language import mark
from mixer_viz.model import MlpMixer, Trace, trace
from mixer_viz.ui.choices import Choice, ChosenModel, Picture, UploadedWeights
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.gate import computing_on
from mixer_viz.ui.serving.settings import settings


@kept("model", mark("Loading the model …"))
def named_model(name: str) -> MlpMixer:
    return checkpoints.load_model(name)


@kept("model", mark("Reading your checkpoint …"))
def uploaded_model(weights: UploadedWeights) -> MlpMixer:
    return checkpoints.load_model_bytes(weights.data, weights.name, side_file=weights.side_file)


@kept("single", copied=True, seconds=60)
def model_list() -> list[checkpoints.ModelInfo]:
    """Those that this server offers; raises SettingError where its settings leave none."""
    return settings().offered(checkpoints.available_models())


@kept("picture", mark("Reading the picture …"), copied=True)
def crop_of(choice: Choice) -> np.ndarray:
    """The part that the network sees, (H, W, 3) uint8."""
    return np.asarray(images.crop_image(read_picture(choice.picture), choice.model.config))


@kept("picture", mark("Reading the picture …"), copied=True)
def preview_of(choice: Choice) -> tuple[np.ndarray, tuple[int, int]]:
    """The whole photo with the crop marked, (H, W, 3) uint8, and the photo's (width, height)."""
    photo = read_picture(choice.picture)
    return photo_with_crop(photo, images.crop_box(photo.size, choice.model.config)), photo.size


@kept("picture", copied=True)
def thumbnail_of(picture: Picture) -> bytes:
    """A small version for the sidebar, as WebP."""
    photo = read_picture(picture)
    photo.thumbnail((260, 220), reducing_gap=2.0)
    buffer = io.BytesIO()
    photo.save(buffer, format="WEBP", quality=85)
    return buffer.getvalue()


def read_picture(picture: Picture) -> Image.Image:
    """The full picture, decoded anew: callers keep only what they cut from it."""
    return samples.load_sample(picture.key) if picture.data is None else images.open_image(picture.data)


def pixels_of(picture: Picture, model: ChosenModel) -> torch.Tensor:
    """The normalised crop of a picture, (1, 3, H, W), on the model's device."""
    crop = crop_of(Choice(model, picture))
    return images.normalise(crop, model.config).to(model.model.stem.weight.device)


@kept("trace", mark("Running the Mixer …"))
def trace_of(choice: Choice) -> Trace:
    """Every intermediate tensor of one picture, on the model's device; all pages read the same one.

    Raises NotFiniteError when the answer is not finite: nothing on the pages would be a number then.

    It waits for the device's place itself: ask for it before `computing_on`, which gives the place only once.
    """
    pixels = pixels_of(choice.picture, choice.model)
    with computing_on(pixels.device):
        result = trace(choice.model.model, pixels)
    check_answer(result.logits)
    return result


@kept("result")
def first_patch_of(choice: Choice) -> int:
    """The patch to look at first: where a photo has its object, in the middle half, the one that speaks most for it."""
    traced, (rows, columns) = trace_of(choice), choice.model.config.grid_shape
    with torch.no_grad():
        row = choice.model.model.head.weight[int(one_image(traced.logits).argmax())]
        logits = (one_image(traced.norm) @ row).reshape(rows, columns).float().cpu().numpy()
    middle = np.full((rows, columns), -np.inf)
    inner = (slice(rows // 4, rows - rows // 4), slice(columns // 4, columns - columns // 4))
    middle[inner] = logits[inner]
    return int(middle.argmax())


@kept("result", mark("Running the Mixer …"))
def answer_of(choice: Choice) -> np.ndarray:
    """Class probabilities (num_classes,) of the picture as it is; raises NotFiniteError as `trace_of` does."""
    return probabilities(to_double(one_image(trace_of(choice).logits)))
