"""RGB pixels -> normalised tensors and back."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from mixer_viz.images import crop_image, normalise, pixels_to_image, preprocess
from mixer_viz.images.samples import load_sample
from mixer_viz.model import PRESETS, MixerConfig, MlpMixer


def test_normalise_by_hand(tiny_config: MixerConfig) -> None:
    array = np.arange(2 * 8 * 8 * 3, dtype=np.uint8).reshape(2, 8, 8, 3)
    pixels = normalise(array, tiny_config)  # mean (0.5, 0.4, 0.3), std (0.2, 0.3, 0.4)
    assert pixels.shape == (2, 3, 8, 8)
    assert pixels.dtype == torch.float32
    assert pixels.is_contiguous()
    for channel, (mean, std) in enumerate([(0.5, 0.2), (0.4, 0.3), (0.3, 0.4)]):
        expected = (array[1, 5, 6, channel] / 255 - mean) / std
        assert pixels[1, channel, 5, 6].item() == pytest.approx(expected, abs=1e-6)
    for one in (array[0], Image.fromarray(array[0])):
        assert torch.equal(normalise(one, tiny_config), pixels[:1])
    assert torch.equal(normalise(array[0].transpose(1, 0, 2), tiny_config), pixels[:1].mT)  # any memory layout


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        (None, None),
        ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
        ((1.0, -2.0, 3.0), (0.001, 4.0, 1.0)),
    ],
)
def test_pixels_to_image_is_the_exact_inverse(mean: tuple[float, ...] | None, std: tuple[float, ...] | None) -> None:
    config = dataclasses.replace(PRESETS["S/16"], mean=mean, std=std)
    ramp = np.arange(256, dtype=np.uint8)  # every level in every channel
    levels = np.stack([ramp, ramp[::-1], np.roll(ramp, 7)], axis=-1)[None]
    np.testing.assert_array_equal(pixels_to_image(normalise(levels, config), config), levels[None])
    crop = crop_image(load_sample("cat"), config)
    image = pixels_to_image(normalise(crop, config).requires_grad_(), config)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, np.asarray(crop)[None])


def test_pixels_to_image_clips(tiny_config: MixerConfig) -> None:
    pixels = torch.tensor([-1e6, 1e6, 0.0]).view(1, 3, 1, 1)
    assert pixels_to_image(pixels, tiny_config).tolist() == [[[[0, 255, 76]]]]  # 0.3 * 255 = 76.5, to even


def test_preprocess_is_what_the_model_reads(tiny_model: MlpMixer) -> None:
    image = load_sample("cat")
    pixels = preprocess(image, tiny_model)
    assert pixels.shape == (1, 3, 8, 8)
    assert pixels.dtype == torch.float32
    assert not pixels.requires_grad
    assert torch.equal(pixels, normalise(crop_image(image, tiny_model.config), tiny_model.config))
    assert tiny_model(pixels).shape == (1, 10)
    on_meta = preprocess(image, MlpMixer(tiny_model.config).to("meta"))
    assert on_meta.device.type == "meta"


def test_wrong_inputs_are_named(tiny_config: MixerConfig) -> None:
    for bad in (np.zeros((8, 8, 3)), np.zeros((8, 8), np.uint8), np.zeros((3, 8, 8), np.uint8)):
        with pytest.raises(ValueError, match=r"must be uint8 \(H, W, 3\)"):
            normalise(bad, tiny_config)
    with pytest.raises(ValueError, match=r"pixels must be \(N, 3, H, W\), got \(3, 8, 8\)"):
        pixels_to_image(torch.zeros(3, 8, 8), tiny_config)
    grey = dataclasses.replace(tiny_config, in_channels=1, mean=None, std=None)
    with pytest.raises(ValueError, match="reads 1 channels, but a picture has 3"):
        normalise(np.zeros((8, 8, 3), np.uint8), grey)
