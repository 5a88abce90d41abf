"""MLP-Mixer as in Tolstikhin et al. 2021, arXiv 2105.01601, section 2 and Figure 1.

Shape letters as in the paper: N images, S tokens (patches), C channels, D_S and D_C hidden widths of the two MLPs.

    U = X + W2 gelu(W1 LayerNorm(X))              token mixing, the same W1, W2 for every column (channel) of X
    Y = U + (W4 gelu(W3 LayerNorm(U)^T))^T        channel mixing, the same W3, W4 for every row (token) of U
"""

from __future__ import annotations

from torch import Tensor, nn

from mixer_viz.language import noted
from mixer_viz.model.config import Gelu, MixerConfig
from mixer_viz.model.wording import by


class Mlp(nn.Module):
    """Two linear layers with a GELU between them, along the last axis: (..., width) -> (..., width)."""

    def __init__(self, width: int, hidden: int, gelu: Gelu) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.gelu = nn.GELU(approximate="tanh" if gelu == "tanh" else "none")
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        projected: Tensor = self.fc2(self.gelu(self.fc1(x)))
        return projected


class MixerBlock(nn.Module):
    """One Mixer layer of Figure 1: token mixing, then channel mixing, each with LayerNorm before and a skip around."""

    def __init__(self, config: MixerConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.embed_dim, eps=config.layer_norm_eps)
        self.token_mixing = Mlp(config.num_patches, config.tokens_mlp_dim, config.gelu)
        self.norm2 = nn.LayerNorm(config.embed_dim, eps=config.layer_norm_eps)
        self.channel_mixing = Mlp(config.embed_dim, config.channels_mlp_dim, config.gelu)

    def forward(self, tokens: Tensor) -> Tensor:  # (N, S, C) -> (N, S, C)
        tokens = tokens + self.token_mixing(self.norm1(tokens).mT).mT  # along S: (N, C, S) and back
        written: Tensor = tokens + self.channel_mixing(self.norm2(tokens))  # along C
        return written


class MlpMixer(nn.Module):
    """The whole network: patches to logits.

    `model(pixels)` takes normalised pixels (N, 3, H, W), as `config.image_shape` says, and returns logits
    (N, num_classes). Raises ValueError for any other image size, because the token-mixing weights exist for exactly
    S = num_patches tokens.
    """

    def __init__(self, config: MixerConfig) -> None:
        super().__init__()
        self.config = config
        self.remarks: tuple[str, ...] = ()  # sentences for people on what was found in the file it came from
        # A convolution with stride P over patches of side P: one linear layer, shared by all patches.
        self.stem = nn.Conv2d(config.in_channels, config.embed_dim, config.patch_size, stride=config.patch_size)
        self.blocks = nn.ModuleList(MixerBlock(config) for _ in range(config.num_blocks))
        self.norm = nn.LayerNorm(config.embed_dim, eps=config.layer_norm_eps)
        self.head = nn.Linear(config.embed_dim, config.num_classes)

    def embed(self, pixels: Tensor) -> Tensor:
        """Cut into patches in raster order and embed each one: (N, 3, H, W) -> (N, S, C)."""
        check_pixels(pixels, self.config)
        tokens: Tensor = self.stem(pixels).flatten(2).mT  # (N, C, H/P, W/P) -> (N, C, S) -> (N, S, C)
        return tokens

    def forward(self, pixels: Tensor) -> Tensor:
        tokens = self.embed(pixels)  # (N, S, C)
        for block in self.blocks:
            tokens = block(tokens)
        pooled = self.norm(tokens).mean(dim=1)  # (N, C)
        logits: Tensor = self.head(pooled)  # (N, num_classes)
        return logits


def check_pixels(pixels: Tensor, config: MixerConfig) -> None:
    """Raise ValueError, with both sizes in words, when `pixels` is not an image batch that `config` can read."""
    expected = (config.in_channels, *config.image_shape)
    if pixels.ndim != 4 or pixels.shape[1] != config.in_channels:
        raise ValueError(f"pixels must be (N, {', '.join(map(str, expected))}), got {tuple(pixels.shape)}")
    if tuple(pixels.shape[1:]) != expected:
        height, width = pixels.shape[2:]
        wanted = by(config.image_shape, "x")
        raise ValueError(
            noted(
                "This Mixer was trained at {trained} px, so its token-mixing weights read exactly S = {num_patches} "
                "patches; it cannot read {height} x {width} px images. Resize the image to {wanted}.",
                trained=config.image_size if config.image_width is None else wanted,
                num_patches=config.num_patches,
                height=height,
                width=width,
                wanted=wanted,
            )
        )
