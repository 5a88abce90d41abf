"""The Mixer's block with another token mixer in it: what is left when that is the only difference.

    U = X + token mixing of LayerNorm(X)
    Y = U + (W4 gelu(W3 LayerNorm(U)^T))^T

Yu et al. 2022, arXiv 2111.11418, call this general form a MetaFormer. With the token-mixing MLP it is the Mixer, and
then its parameters have the same names and the same values give the same logits.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mixer_viz.model.metaformer_config import MetaFormerConfig
from mixer_viz.model.mixer import Mlp, MlpMixer, check_pixels
from mixer_viz.model.permuted_input import PermutedInput
from mixer_viz.model.token_mixer_table import TOKEN_MIXERS


class MetaFormerBlock(nn.Module):
    """Norm, token mixer, skip; norm, channel MLP, skip."""

    def __init__(self, config: MetaFormerConfig) -> None:
        super().__init__()
        sizes = config.sizes
        self.norm1 = nn.LayerNorm(sizes.embed_dim, eps=sizes.layer_norm_eps)
        self.token_mixing = TOKEN_MIXERS[config.token_mixer].build(config)
        self.norm2 = nn.LayerNorm(sizes.embed_dim, eps=sizes.layer_norm_eps)
        self.channel_mixing = Mlp(sizes.embed_dim, sizes.channels_mlp_dim, sizes.gelu)

    def forward(self, tokens: Tensor) -> Tensor:  # (N, S, C) -> (N, S, C)
        tokens = tokens + self.token_mixing(self.norm1(tokens))
        written: Tensor = tokens + self.channel_mixing(self.norm2(tokens))
        return written


class MetaFormer(nn.Module):
    """Patches to logits with the token mixer of `metaformer_config`; stem, last norm and head are the Mixer's.

    `model(pixels)` takes normalised pixels (N, 3, image_size, image_size) in their natural order, puts them in the
    config's order first where it has one, and returns logits (N, num_classes). `config` is the part of it that an
    `MlpMixer` has too: sizes and preprocessing. Raises ValueError for any other image size.
    """

    def __init__(self, metaformer_config: MetaFormerConfig) -> None:
        super().__init__()
        self.metaformer_config, self.config = metaformer_config, metaformer_config.sizes
        sizes = self.config
        self.reorder = PermutedInput(metaformer_config) if metaformer_config.permutation != "none" else nn.Identity()
        self.stem = nn.Conv2d(sizes.in_channels, sizes.embed_dim, sizes.patch_size, stride=sizes.patch_size)
        self.position_embedding: nn.Parameter | None = None
        if TOKEN_MIXERS[metaformer_config.token_mixer].needs_positions:
            self.position_embedding = nn.Parameter(0.02 * torch.randn(sizes.num_patches, sizes.embed_dim))
        self.blocks = nn.ModuleList(MetaFormerBlock(metaformer_config) for _ in range(sizes.num_blocks))
        self.norm = nn.LayerNorm(sizes.embed_dim, eps=sizes.layer_norm_eps)
        self.head = nn.Linear(sizes.embed_dim, sizes.num_classes)

    def embed(self, pixels: Tensor) -> Tensor:
        """Reorder, cut into patches in raster order, embed each one, say where it is: (N, 3, H, W) -> (N, S, C)."""
        check_pixels(pixels, self.config)
        tokens: Tensor = self.stem(self.reorder(pixels)).flatten(2).mT
        return tokens if self.position_embedding is None else tokens + self.position_embedding

    def forward(self, pixels: Tensor) -> Tensor:
        tokens = self.embed(pixels)  # (N, S, C)
        for block in self.blocks:
            tokens = block(tokens)
        pooled = self.norm(tokens).mean(dim=1)  # (N, C)
        logits: Tensor = self.head(pooled)  # (N, num_classes)
        return logits


Network = MlpMixer | MetaFormer  # what can be trained
