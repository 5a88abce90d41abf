"""What one training run is made of: sizes, optimiser, augmentation. Stored in every checkpoint."""

from __future__ import annotations

import dataclasses
from typing import Any

from mixer_viz.model.metaformer_config import PERMUTATIONS, TOKEN_MIXER_NAMES

_POSITIVE = ("epochs", "batch_size", "lr", "clip_norm", "muon_lr", "distill_temperature", "convnet_width")
_NOT_NEGATIVE = (
    "mixup",
    "cutmix",
    "weight_decay",
    "token_mixing_weight_decay",
    "token_mixing_std",
    "copy_penalty",
    "stem_weight_decay",
    "stem_std",
    "stem_roughness_penalty",
    "warmup_epochs",
    "teacher_views",
)
_SHARES = ("mix_probability", "label_smoothing", "ema_decay", "distill_weight", "momentum", "beta2", "copy_cosine")
MAX_VALIDATION_SHARE = 0.5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Hyper-parameters of a run; the sizes are by default those of a small Mixer for CIFAR-10.

    `token_mixing_std` and `token_mixing_weight_decay` are what makes the mixing weights readable: a small random start
    that weight decay can erase leaves the learned part alone. `init_from` starts from trained weights; with
    `reset_token_mixing`, W1 and W2 alone start anew, in a network that knows the rest already, and with
    `widen_channel_mixing` channel mixing gets more hidden units than those weights have. `token_mixer` and
    `permutation` are those of `MetaFormerConfig`: another mixer in the Mixer's place, and images with pixels in another
    order. `stem_std` and `stem_weight_decay` do for the patch-embedding filters what the two do for the mixing weights;
    0 stands for 1 / sqrt(3 P^2), the start of the paper's code. `optimizer` "muon" gives torch's Muon the matrices of
    channel mixing, "muon-all" those of token mixing as well, and AdamW the rest. `copy_penalty` times
    `penalties.copy_cost` at `copy_cosine` is added to the loss, so that units differ, and `stem_roughness_penalty`
    times `penalties.filter_roughness`, so that filters are smooth. `network` "convnet" trains a teacher; `teacher` is
    the weight file of one, with `teacher_flip` looking at mirror images too, and `teacher_views` says of how many
    epochs the views come again, 0 for new ones always. `unlabelled` is a folder of images that the teacher alone speaks
    of. Raises ValueError on values that make no sense.
    """

    network: str = "mixer"
    convnet_width: int = 64

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
    optimizer: str = "adamw"
    lr: float = 1.5e-3
    min_lr: float = 1e-5
    muon_lr: float = 0.02
    momentum: float = 0.85
    beta2: float = 0.999
    warmup_epochs: float = 2.0
    weight_decay: float = 0.05
    token_mixing_weight_decay: float = 0.05
    token_mixing_std: float = 0.01
    copy_penalty: float = 0.0
    copy_cosine: float = 0.8
    stem_weight_decay: float = 0.05
    stem_std: float = 0.0
    stem_roughness_penalty: float = 0.0
    label_smoothing: float = 0.1
    clip_norm: float = 1.0
    ema_decay: float = 0.999

    mixup: float = 0.0
    cutmix: float = 1.0
    mix_probability: float = 0.5
    auto_augment: str = "none"
    crop: str = "auto"
    flip: bool = True

    teacher: str = ""
    teacher_views: int = 0
    teacher_flip: bool = False
    unlabelled: str = ""
    distill_weight: float = 0.9
    distill_temperature: float = 2.0
    validation_share: float = 0.05

    init_from: str = ""
    reset_token_mixing: bool = False
    widen_channel_mixing: bool = False

    precision: str = "auto"
    compile: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name}={getattr(self, name)!r} must be one of {', '.join(choices)}")
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}={getattr(self, name)} must be above 0")
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise ValueError(f"{name}={getattr(self, name)} must not be negative")
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}={getattr(self, name)} must be between 0 and 1")
        if self.reset_token_mixing and not self.init_from:
            raise ValueError("reset_token_mixing needs init_from: without it, token mixing starts anew anyway")
        if self.widen_channel_mixing and not self.init_from:
            raise ValueError("widen_channel_mixing needs init_from: a network that starts anew has all its units")
        if not 0 <= self.validation_share <= MAX_VALIDATION_SHARE:
            raise ValueError(f"validation_share={self.validation_share} must be between 0 and {MAX_VALIDATION_SHARE}")
        if (self.teacher_views or self.teacher_flip) and not self.teacher:
            raise ValueError("teacher_views and teacher_flip say how a teacher is asked; name one, or leave them away")
        if self.unlabelled and not self.teacher:
            raise ValueError("unlabelled images are learned from a teacher alone; name one, or leave them away")
        self._check_network()
        if self.min_lr > self.lr:
            raise ValueError(f"min_lr={self.min_lr} must not exceed lr={self.lr}")

    def _check_network(self) -> None:
        if self.copy_penalty and (self.network == "convnet" or self.token_mixer != "mlp"):
            raise ValueError("copy_penalty is for the hidden units of token-mixing MLPs, which this network has not")
        if self.network == "convnet":
            if self.stem_roughness_penalty:
                raise ValueError("stem_roughness_penalty is for patch-embedding filters, which this network has not")
            if self.token_mixer != "mlp" or self.permutation != "none":
                raise ValueError("network='convnet' has no token mixer and no permutation; leave both away")
            if self.optimizer.startswith("muon"):
                raise ValueError("network='convnet' has no channel-mixing matrices for Muon; use sgd or adamw")
        if self.init_from and not self.is_mixer:
            raise ValueError("init_from holds the weights of a Mixer; leave network, token_mixer and permutation away")

    @property
    def is_mixer(self) -> bool:
        """Whether this trains a plain `MlpMixer`; otherwise it is a `MetaFormer` or a `ConvNet`."""
        return self.network == "mixer" and self.token_mixer == "mlp" and self.permutation == "none"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint or a model card."""
        return dataclasses.asdict(self)


CHOICES: dict[str, tuple[str, ...]] = {
    "network": ("mixer", "convnet"),
    "optimizer": ("adamw", "muon", "muon-all", "sgd"),
    "token_mixer": TOKEN_MIXER_NAMES,
    "permutation": PERMUTATIONS,
    "auto_augment": ("none", "trivial", "cifar10", "imagenet", "rand"),
    "crop": ("auto", "pad", "resized", "none"),
    "precision": ("auto", "fp32", "bf16"),
}
