"""A small convolutional network that Mixers can learn from: a teacher, not a part of the explorer.

Its shape is that of airbench94 (Jordan 2024, arXiv 2404.00498): a whitening convolution whose weights come from the
training images and stay fixed, three groups of two 3 x 3 convolutions with batch normalisation and GELU, a global
maximum, and one linear layer whose logits are scaled down.
"""

from __future__ import annotations

import dataclasses
import itertools
import json

import torch
from torch import Tensor, nn

from mixer_viz.model.config import Interpolation
from mixer_viz.model.stored import stored_config
from mixer_viz.model.wording import shown

NATIVE_SIZE = 32  # the first convolution brings larger images to about this many positions a side
_LOGIT_SCALE = 1 / 9
_WHITENING_EPS = 5e-4


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConvNetConfig:
    """Sizes and preprocessing; `width` is the first group's channels, the other two have four times as many.

    Raises ValueError for image sizes that are not a multiple of 32, and for sizes below 1.
    """

    image_size: int = 32
    width: int = 64
    num_classes: int = 10
    in_channels: int = 3
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.25, 0.25, 0.25)
    interpolation: Interpolation = "bilinear"
    crop_pct: float = 1.0
    class_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("image_size", "width", "num_classes", "in_channels"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ValueError(f"{name}={shown(value)} must be a whole number of at least 1")
        if self.image_size % NATIVE_SIZE:
            raise ValueError(f"image_size={self.image_size} must be a multiple of {NATIVE_SIZE} for the convnet")
        if self.class_names is not None and len(self.class_names) != self.num_classes:
            raise ValueError(f"{len(self.class_names)} class names do not fit num_classes={self.num_classes}")

    @property
    def stride(self) -> int:
        """Step of the whitening convolution in pixels; its kernel is twice as large."""
        return self.image_size // NATIVE_SIZE

    @property
    def whitening_channels(self) -> int:
        """One filter per principal direction of the patches, and its negative."""
        return 2 * self.in_channels * (2 * self.stride) ** 2

    def to_json(self) -> str:
        """The config as a JSON object; `from_json` reads it back."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ConvNetConfig:
        """Rebuild a config from `to_json`; raises ValueError on anything else."""
        return stored_config(text, cls)


class ConvGroup(nn.Module):
    """Two 3 x 3 convolutions, each with batch normalisation and GELU; the first halves the image by a maximum."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, padding=1, bias=False)
        self.pool = nn.MaxPool2d(2)
        self.norm1 = _batch_norm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = _batch_norm(channels)
        self.gelu = nn.GELU()

    def forward(self, features: Tensor) -> Tensor:  # (N, C_in, H, W) -> (N, C, H // 2, W // 2)
        features = self.gelu(self.norm1(self.pool(self.conv1(features))))
        activated: Tensor = self.gelu(self.norm2(self.conv2(features)))
        return activated


class ConvNet(nn.Module):
    """`model(pixels)` takes normalised pixels (N, 3, image_size, image_size) and returns logits (N, num_classes).

    The whitening filters are random until `whiten` has seen training images. Raises ValueError for other image sizes.
    """

    def __init__(self, config: ConvNetConfig) -> None:
        super().__init__()
        self.config = config
        kernel = 2 * config.stride
        self.whitening = nn.Conv2d(config.in_channels, config.whitening_channels, kernel, config.stride)
        self.whitening.weight.requires_grad_(False)
        widths = (config.whitening_channels, config.width, 4 * config.width, 4 * config.width)
        self.groups = nn.ModuleList(ConvGroup(*pair) for pair in itertools.pairwise(widths))
        self.gelu = nn.GELU()
        self.head = nn.Linear(widths[-1], config.num_classes, bias=False)

    def forward(self, pixels: Tensor) -> Tensor:
        side = self.config.image_size
        if pixels.ndim != 4 or tuple(pixels.shape[1:]) != (self.config.in_channels, side, side):
            wanted = f"(N, {self.config.in_channels}, {side}, {side})"
            raise ValueError(f"pixels must be {wanted}, got {tuple(pixels.shape)}")
        features = self.gelu(self.whitening(pixels))
        for group in self.groups:
            features = group(features)
        # By index, not by amax: its gradient looks for the maximum again and, compiled in half precision, finds none.
        pooled = nn.functional.adaptive_max_pool2d(features, 1).flatten(1)  # (N, 4 * width)
        logits: Tensor = self.head(pooled) * _LOGIT_SCALE
        return logits

    @torch.no_grad()
    def whiten(self, pixels: Tensor) -> None:
        """Set the first filters to the whitening directions of the patches of normalised images (N, 3, H, W)."""
        kernel = 2 * self.config.stride
        patches = nn.functional.unfold(pixels, kernel, stride=self.config.stride)  # (N, 3 k^2, positions)
        flat = patches.mT.flatten(0, 1).double()
        covariance = flat.mT @ flat / len(flat)
        values, vectors = torch.linalg.eigh(covariance)
        directions = (vectors / (values + _WHITENING_EPS).sqrt()).mT.flip(0)
        filters = directions.to(self.whitening.weight).reshape(-1, self.config.in_channels, kernel, kernel)
        self.whitening.weight.copy_(torch.cat([filters, -filters]))


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels, eps=1e-12, momentum=0.4)
    norm.weight.requires_grad_(False)  # learned bias, no learned scale
    return norm
