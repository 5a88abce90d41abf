"""What one training run is made of: sizes, optimiser, augmentation. Stored in every checkpoint."""

from __future__ import annotations

import dataclasses
from typing import Any

from mixer_viz.model.metaformer_config import PERMUTATIONS, TOKEN_MIXER_NAMES

_NOT_NEGATIVE = ("mixup", "cutmix", "weight_decay", "token_mixing_weight_decay", "token_mixing_std", "warmup_epochs")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Hyper-parameters of a run; the sizes are by default those of the bundled CIFAR-10 model.

    `token_mixing_std` and `token_mixing_weight_decay` are what makes the mixing weights readable: a small random start
    that weight decay can erase leaves the learned part alone. `init_from` starts from trained weights; with
    `reset_token_mixing`, W1 and W2 alone start anew, in a network that knows the rest already. `token_mixer`
    and `permutation` are those of `MetaFormerConfig`: another mixer in the Mixer's place, and images with pixels in
    another order. Raises ValueError on values that make no sense.
    """

    image_size: int = 32
    patch_size: int = 4
    embed_dim: int = 128
    num_blocks: int = 8
    tokens_mlp_dim: int = 256
    channels_mlp_dim: int = 256
    token_mixer: str = "mlp"
    num_heads: int = 4
    kernel_size: int = 3
    permutation: str = "none"
    permutation_seed: int = 0

    epochs: int = 50
    batch_size: int = 128
    lr: float = 1.5e-3
    min_lr: float = 1e-5
    warmup_epochs: float = 2.0
    weight_decay: float = 0.05
    token_mixing_weight_decay: float = 0.05
    token_mixing_std: float = 0.01
    label_smoothing: float = 0.1
    clip_norm: float = 1.0
    ema_decay: float = 0.999

    mixup: float = 0.0
    cutmix: float = 1.0
    mix_probability: float = 0.5
    auto_augment: str = "none"
    crop: str = "auto"
    flip: bool = True

    init_from: str = ""
    reset_token_mixing: bool = False

    precision: str = "auto"
    compile: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "lr", "clip_norm"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}={getattr(self, name)} must be above 0")
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise ValueError(f"{name}={getattr(self, name)} must not be negative")
        for name in ("mix_probability", "label_smoothing", "ema_decay"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}={getattr(self, name)} must be between 0 and 1")
        if self.reset_token_mixing and not self.init_from:
            raise ValueError("reset_token_mixing needs init_from: without it, token mixing starts anew anyway")
        if self.init_from and not self.is_mixer:
            raise ValueError("init_from holds the weights of a Mixer; leave token_mixer and permutation away")
        if self.min_lr > self.lr:
            raise ValueError(f"min_lr={self.min_lr} must not exceed lr={self.lr}")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name}={getattr(self, name)!r} must be one of {', '.join(choices)}")

    @property
    def is_mixer(self) -> bool:
        """Whether this trains a plain `MlpMixer`; otherwise it is a `MetaFormer`."""
        return self.token_mixer == "mlp" and self.permutation == "none"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint or a model card."""
        return dataclasses.asdict(self)


CHOICES: dict[str, tuple[str, ...]] = {
    "token_mixer": TOKEN_MIXER_NAMES,
    "permutation": PERMUTATIONS,
    "auto_augment": ("none", "trivial", "cifar10", "imagenet", "rand"),
    "crop": ("auto", "pad", "resized"),
    "precision": ("auto", "fp32", "bf16"),
}
