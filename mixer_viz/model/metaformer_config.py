"""Which token mixer a network of the comparison has, and everything else that fixes it."""

from __future__ import annotations

import dataclasses
import json
from typing import Literal, get_args

from mixer_viz.language import noted, noted_list
from mixer_viz.model.config import MixerConfig
from mixer_viz.model.stored import stored_values
from mixer_viz.model.token_mixers import SHIFTED_SHARE
from mixer_viz.model.wording import shown

TokenMixerName = Literal["mlp", "attention", "convolution", "shift", "nonlocal_shift", "pooling", "identity"]
Permutation = Literal["none", "patches-and-pixels", "pixels"]
TOKEN_MIXER_NAMES: tuple[str, ...] = get_args(TokenMixerName)
PERMUTATIONS: tuple[Permutation, ...] = get_args(Permutation)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MetaFormerConfig:
    """Sizes and preprocessing as a Mixer has them, the token mixer, and the order in which the input is read.

    `sizes.tokens_mlp_dim` matters for "mlp" alone, `num_heads` for "attention", `kernel_size` for "convolution" and
    "pooling"; `permutation` and its seed are explained in `permuted_input.py`. Raises ValueError on values that clash.
    """

    sizes: MixerConfig
    token_mixer: TokenMixerName = "mlp"
    num_heads: int = 4
    kernel_size: int = 3
    permutation: Permutation = "none"
    permutation_seed: int = 0

    def __post_init__(self) -> None:
        for name, choices in (("token_mixer", TOKEN_MIXER_NAMES), ("permutation", PERMUTATIONS)):
            if getattr(self, name) not in choices:
                raise ValueError(
                    noted(
                        "{name}={value} must be one of {choices}",
                        name=name,
                        value=shown(getattr(self, name)),
                        choices=noted_list(choices),
                    )
                )
        for name, least in (("num_heads", 1), ("kernel_size", 1), ("permutation_seed", 0)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise ValueError(
                    noted(
                        "{name}={value} must be a whole number of at least {least}",
                        name=name,
                        value=shown(value),
                        least=least,
                    )
                )
        if self.sizes.image_width is not None:
            height, width = self.sizes.image_shape
            raise ValueError(
                noted(
                    "pictures of {height} x {width} px are not square, as the networks compared need them",
                    height=height,
                    width=width,
                )
            )
        self._check_mixer(self.sizes.embed_dim)

    def _check_mixer(self, embed_dim: int) -> None:
        if self.token_mixer == "attention" and embed_dim % self.num_heads:
            raise ValueError(
                noted(
                    "embed_dim={embed_dim} is not a multiple of num_heads={num_heads}",
                    embed_dim=embed_dim,
                    num_heads=self.num_heads,
                )
            )
        if self.token_mixer in ("convolution", "pooling") and (self.kernel_size % 2 == 0 or self.kernel_size < 3):
            raise ValueError(
                noted(
                    "kernel_size={value} must be odd and at least 3: a token and those around it",
                    value=self.kernel_size,
                )
            )
        if self.token_mixer == "shift" and embed_dim < SHIFTED_SHARE:
            raise ValueError(
                noted(
                    "embed_dim={embed_dim} must be at least {least}: a twelfth moves each way",
                    embed_dim=embed_dim,
                    least=SHIFTED_SHARE,
                )
            )

    def to_json(self) -> str:
        """The config as a JSON object; `from_json` reads it back."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> MetaFormerConfig:
        """Rebuild a config from `to_json`; raises ValueError on anything else."""
        values = stored_values(text, cls)
        sizes = MixerConfig.from_json(json.dumps(values.pop("sizes", None)))
        try:
            return cls(sizes=sizes, **values)
        except TypeError as exc:
            raise ValueError(noted("the stored config has a wrong type: {reason}", reason=exc)) from exc
