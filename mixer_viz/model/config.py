"""Sizes and preprocessing of one MLP-Mixer, checked on construction."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import Literal

from mixer_viz.language import noted
from mixer_viz.model.stored import stored_config
from mixer_viz.model.wording import by, shown

Gelu = Literal["erf", "tanh"]
Interpolation = Literal["nearest", "bilinear", "bicubic"]

_SIZES = (
    "image_size",
    "patch_size",
    "embed_dim",
    "num_blocks",
    "tokens_mlp_dim",
    "channels_mlp_dim",
    "num_classes",
    "in_channels",
)

_LARGEST = sys.float_info.max  # an integer in a JSON file may be larger still
MIN_CROP_PCT = 0.1  # published Mixers have 0.875 to 1; a smaller share would enlarge the picture without end
LARGEST_PIXEL_UNIT = 10.0  # mean and deviation of pixels in 0..1 are below it, those of pixels in 0..255 above
MAX_LAYER_NORM_EPS = 0.1
SMALLEST_STD = 1e-6  # float32 pixels and the answer stay finite


@dataclasses.dataclass(frozen=True, kw_only=True)
class MixerConfig:
    """Everything that fixes an MLP-Mixer's shape and how an image is prepared for it.

    The names are those of the paper (Tolstikhin et al. 2021, Table 1): `embed_dim` is C, `tokens_mlp_dim` is D_S,
    `channels_mlp_dim` is D_C, `num_patches` is S. D_S is a free choice and need not equal S. `image_size` is both sides
    of the picture, or its height where `image_width` says another width.

    `mean`, `std`, `interpolation`, `crop_pct` and `class_names` are None where the checkpoint does not say; `gelu` is
    "erf" for the exact form (timm) and "tanh" for the approximation (flax); `layer_norm_eps` is what every LayerNorm
    adds to the variance. `temperature` is what logits are divided by before a softmax that says how sure the network is
    (Guo et al. 2017), `usual_confidence` the evenly spaced quantiles of what comes of it on test images; None where
    nobody measured them. Raises ValueError on sizes that clash.
    """

    image_size: int
    patch_size: int
    embed_dim: int
    num_blocks: int
    tokens_mlp_dim: int
    channels_mlp_dim: int
    image_width: int | None = None
    num_classes: int = 1000
    in_channels: int = 3
    gelu: Gelu = "erf"
    layer_norm_eps: float = 1e-6
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    interpolation: Interpolation | None = None
    crop_pct: float | None = None
    class_names: tuple[str, ...] | None = None
    temperature: float | None = None
    usual_confidence: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.image_width == self.image_size:
            object.__setattr__(self, "image_width", None)  # one way to say that a picture is square
        for name in _SIZES if self.image_width is None else (*_SIZES, "image_width"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise ValueError(noted("{name}={value} must be a whole number", name=name, value=shown(value)))
            if value < 1:
                raise ValueError(noted("{name}={value} must be at least 1", name=name, value=shown(value)))
        for name, pixels in (("image_size", self.image_size), ("image_width", self.image_width or 0)):
            if pixels % self.patch_size:
                raise ValueError(
                    noted(
                        "{name}={pixels} is not a multiple of patch_size={patch_size}",
                        name=name,
                        pixels=shown(pixels),
                        patch_size=shown(self.patch_size),
                    )
                )
        if self.gelu not in ("erf", "tanh"):
            raise ValueError(noted("gelu={value} must be 'erf' or 'tanh'", value=shown(self.gelu)))
        if self.interpolation not in (None, "nearest", "bilinear", "bicubic"):
            raise ValueError(
                noted(
                    "interpolation={value} must be 'nearest', 'bilinear' or 'bicubic'",
                    value=shown(self.interpolation),
                )
            )
        if isinstance(self.layer_norm_eps, bool) or not 0 < self.layer_norm_eps <= MAX_LAYER_NORM_EPS:
            raise ValueError(
                noted(
                    "layer_norm_eps={value} must be above 0 and at most {most}",
                    value=shown(self.layer_norm_eps),
                    most=MAX_LAYER_NORM_EPS,
                )
            )
        self._check_preprocessing()
        self._check_class_names()
        self._check_calibration()

    def _check_class_names(self) -> None:
        if self.class_names is None:
            return
        # A single text has a length too, and would pass for one name per letter.
        if isinstance(self.class_names, str) or not all(isinstance(name, str) for name in self.class_names):
            raise ValueError(noted("class_names must be a sequence of texts, one per class"))
        if len(self.class_names) != self.num_classes:
            raise ValueError(
                noted(
                    "{count} class names do not fit num_classes={num_classes}",
                    count=len(self.class_names),
                    num_classes=self.num_classes,
                )
            )

    def _check_calibration(self) -> None:
        if self.temperature is not None and not 0 < self.temperature <= _LARGEST:
            raise ValueError(noted("temperature={value} must be above 0 and finite", value=self.temperature))
        usual = self.usual_confidence
        if usual is None:
            return
        if len(usual) < 2 or list(usual) != sorted(usual) or not 0 <= usual[0] <= usual[-1] <= 1:
            raise ValueError(noted("usual_confidence must be at least two ascending numbers from 0 to 1"))

    def _check_preprocessing(self) -> None:
        for name in ("mean", "std"):
            values = getattr(self, name)
            if values is None:
                continue
            if len(values) != self.in_channels:
                raise ValueError(
                    noted(
                        "{name} has {count} values for in_channels={in_channels}",
                        name=name,
                        count=len(values),
                        in_channels=self.in_channels,
                    )
                )
            if not all(-_LARGEST <= value <= _LARGEST for value in values):  # NaN fails both comparisons
                raise ValueError(noted("{name}={values} must be finite", name=name, values=shown(values)))
            if not all(-LARGEST_PIXEL_UNIT <= value <= LARGEST_PIXEL_UNIT for value in values):
                raise ValueError(
                    noted(
                        "{name}={values} must be for pixels between 0 and 1 (at most {most:g}), so "
                        "divide by 255 what was measured on pixels between 0 and 255",
                        name=name,
                        values=shown(values),
                        most=LARGEST_PIXEL_UNIT,
                    )
                )
        if self.std is not None and min(self.std) < SMALLEST_STD:
            raise ValueError(
                noted(
                    "std={value} must be positive and at least {least:g}, else the answer is not finite",
                    value=shown(self.std),
                    least=SMALLEST_STD,
                )
            )
        if self.crop_pct is not None and not MIN_CROP_PCT <= self.crop_pct <= 1:
            raise ValueError(
                noted(
                    "crop_pct={value} must be above 0, at least {least:g}, and at most 1",
                    value=shown(self.crop_pct),
                    least=MIN_CROP_PCT,
                )
            )

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width of the picture, in pixels."""
        return self.image_size, self.image_width or self.image_size

    @property
    def grid_shape(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        height, width = self.image_shape
        return height // self.patch_size, width // self.patch_size

    @property
    def grid_size(self) -> int:
        """Patches along one side of a square picture; ValueError for another, which has a `grid_shape` alone."""
        if self.image_width is not None:
            raise ValueError(noted("the grid of {grid} patches is not square", grid=by(self.grid_shape, "x")))
        return self.image_size // self.patch_size

    @property
    def num_patches(self) -> int:
        """S, the number of tokens."""
        rows, columns = self.grid_shape
        return rows * columns

    @property
    def patch_dim(self) -> int:
        """Numbers in one flattened patch, in_channels * patch_size**2."""
        return self.in_channels * self.patch_size**2

    def to_json(self) -> str:
        """The config as a JSON object; `from_json` reads it back."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> MixerConfig:
        """Rebuild a config from `to_json`; raises ValueError on anything else."""
        return stored_config(text, cls)


def _paper(patch_size: int, num_blocks: int, embed_dim: int, channels_mlp_dim: int, tokens_mlp_dim: int) -> MixerConfig:
    return MixerConfig(
        image_size=224,
        patch_size=patch_size,
        num_blocks=num_blocks,
        embed_dim=embed_dim,
        channels_mlp_dim=channels_mlp_dim,
        tokens_mlp_dim=tokens_mlp_dim,
    )


# The sizes of the bundled model, trained on CIFAR-10 by this project.
SMALL = MixerConfig(
    image_size=32,
    patch_size=4,
    embed_dim=128,
    num_blocks=8,
    tokens_mlp_dim=128,
    channels_mlp_dim=640,
    num_classes=10,
)

# Table 1 of the paper: patch_size, L, C, D_C, D_S; and ours.
PRESETS: dict[str, MixerConfig] = {
    "S/32": _paper(32, 8, 512, 2048, 256),
    "S/16": _paper(16, 8, 512, 2048, 256),
    "B/32": _paper(32, 12, 768, 3072, 384),
    "B/16": _paper(16, 12, 768, 3072, 384),
    "L/32": _paper(32, 24, 1024, 4096, 512),
    "L/16": _paper(16, 24, 1024, 4096, 512),
    "H/14": _paper(14, 32, 1280, 5120, 640),
    "small/4": SMALL,
}
