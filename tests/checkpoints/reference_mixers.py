"""The same Mixer as other repositories name and lay out its parts: small modules, written for the tests.

Each takes (image_size, patch_size, embed_dim, num_blocks, tokens_mlp_dim, channels_mlp_dim, num_classes).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def reads(patches: Tensor) -> Tensor:
    """(N, C, H, W) to (N, S, C)."""
    return patches.flatten(2).transpose(1, 2)


class Residual(nn.Module):
    def __init__(self, width: int, fn: nn.Module) -> None:
        super().__init__()
        self.fn = fn
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.fn(self.norm(x))


class PixelsOfPatches(nn.Module):
    """Patches in raster order; in each, row by row and colours innermost."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, pixels: Tensor) -> Tensor:
        side = self.side
        cut = pixels.unfold(2, side, side).unfold(3, side, side)  # (N, 3, rows, columns, P, P)
        return cut.permute(0, 2, 3, 4, 5, 1).flatten(3).flatten(1, 2)


class MeanOverTokens(nn.Module):
    def forward(self, tokens: Tensor) -> Tensor:
        return tokens.mean(dim=1)


def lucidrains(image: int, patch: int, dim: int, depth: int, tokens: int, channels: int, classes: int) -> nn.Module:
    def mlp(width: int, hidden: int, dense) -> nn.Module:  # type: ignore[no-untyped-def]
        return nn.Sequential(dense(width, hidden), nn.GELU(), nn.Dropout(0.1), dense(hidden, width), nn.Dropout(0.1))

    def convolution(width: int, hidden: int) -> nn.Module:
        return nn.Conv1d(width, hidden, 1)

    count = (image // patch) ** 2
    blocks = [
        nn.Sequential(Residual(dim, mlp(count, tokens, convolution)), Residual(dim, mlp(dim, channels, nn.Linear)))
        for _ in range(depth)
    ]
    stem = nn.Linear(3 * patch**2, dim)
    return nn.Sequential(
        PixelsOfPatches(patch), stem, *blocks, nn.LayerNorm(dim), MeanOverTokens(), nn.Linear(dim, classes)
    )


class CifarMlp(nn.Module):
    def __init__(self, dim: int, width: int, hidden: int, over_tokens: bool) -> None:
        super().__init__()
        self.ln = nn.LayerNorm(dim)
        self.fc1 = nn.Conv1d(width, hidden, 1) if over_tokens else nn.Linear(width, hidden)
        self.fc2 = nn.Conv1d(hidden, width, 1) if over_tokens else nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.fc2(nn.functional.gelu(self.fc1(self.ln(x))))


class Omihub777(nn.Module):
    def __init__(
        self, image: int, patch: int, dim: int, depth: int, tokens: int, channels: int, classes: int, cls: bool = False
    ) -> None:
        super().__init__()
        count = (image // patch) ** 2 + cls
        self.patch_emb = nn.Sequential(nn.Conv2d(3, dim, patch, patch))
        if cls:
            self.cls_token = nn.Parameter(torch.randn(1, 1, dim))
        layers = []
        for _ in range(depth):
            layer = nn.Module()
            layer.mlp1 = CifarMlp(dim, count, tokens, True)
            layer.mlp2 = CifarMlp(dim, dim, channels, False)
            layers.append(layer)
        self.mixer_layers = nn.Sequential(*layers)
        self.ln = nn.LayerNorm(dim)
        self.clf = nn.Linear(dim, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        x = reads(self.patch_emb(pixels))
        for layer in self.mixer_layers:
            x = layer.mlp2(layer.mlp1(x))
        return self.clf(self.ln(x).mean(dim=1))


class Transposed(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)


class Net(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(width, hidden), nn.GELU(), nn.Dropout(0.1), nn.Linear(hidden, width), nn.Dropout(0.1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class Rishikksh20(nn.Module):
    def __init__(self, image: int, patch: int, dim: int, depth: int, tokens: int, channels: int, classes: int) -> None:
        super().__init__()
        count = (image // patch) ** 2
        self.to_patch_embedding = nn.Sequential(nn.Conv2d(3, dim, patch, patch))
        self.mixer_blocks = nn.ModuleList()
        for _ in range(depth):
            block = nn.Module()
            block.token_mix = nn.Sequential(nn.LayerNorm(dim), Transposed(), Net(count, tokens), Transposed())
            block.channel_mix = nn.Sequential(nn.LayerNorm(dim), Net(dim, channels))
            self.mixer_blocks.append(block)
        self.layer_norm = nn.LayerNorm(dim)
        self.mlp_head = nn.Sequential(nn.Linear(dim, classes))

    def forward(self, pixels: Tensor) -> Tensor:
        x = reads(self.to_patch_embedding(pixels))
        for block in self.mixer_blocks:
            x = x + block.token_mix(x)
            x = x + block.channel_mix(x)
        return self.mlp_head(self.layer_norm(x).mean(dim=1))


def two_layers(first: str, second: str, width: int, hidden: int) -> nn.Module:
    mlp = nn.Module()
    mlp.add_module(first, nn.Linear(width, hidden))
    mlp.add_module(second, nn.Linear(hidden, width))
    return mlp


def through(mlp: nn.Module, first: str, second: str, x: Tensor) -> Tensor:
    return mlp.get_submodule(second)(nn.functional.gelu(mlp.get_submodule(first)(x)))


class Jeonsworld(nn.Module):
    def __init__(self, image: int, patch: int, dim: int, depth: int, tokens: int, channels: int, classes: int) -> None:
        super().__init__()
        count = (image // patch) ** 2
        self.stem = nn.Conv2d(3, dim, patch, patch)
        self.head = nn.Linear(dim, classes)
        self.pre_head_ln = nn.LayerNorm(dim, eps=1e-6)
        self.layer = nn.ModuleList()
        for _ in range(depth):
            block = nn.Module()
            block.token_mlp_block = two_layers("fc0", "fc1", count, tokens)
            block.channel_mlp_block = two_layers("fc0", "fc1", dim, channels)
            block.pre_norm, block.post_norm = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
            self.layer.append(block)

    def forward(self, pixels: Tensor) -> Tensor:
        x = reads(self.stem(pixels))
        for block in self.layer:
            x = x + through(block.token_mlp_block, "fc0", "fc1", block.pre_norm(x).mT).mT
            x = x + through(block.channel_mlp_block, "fc0", "fc1", block.post_norm(x))
        return self.head(self.pre_head_ln(x).mean(dim=1))


def mmpretrain_mlp(width: int, hidden: int) -> nn.Module:
    mlp = nn.Module()
    mlp.layers = nn.Sequential(nn.Sequential(nn.Linear(width, hidden)), nn.Linear(hidden, width), nn.Dropout(0.0))
    return mlp


class Mmpretrain(nn.Module):
    def __init__(self, image: int, patch: int, dim: int, depth: int, tokens: int, channels: int, classes: int) -> None:
        super().__init__()
        count = (image // patch) ** 2
        self.backbone, self.head = nn.Module(), nn.Module()
        self.backbone.patch_embed = nn.Module()
        self.backbone.patch_embed.projection = nn.Conv2d(3, dim, patch, patch)
        self.backbone.layers = nn.ModuleList()
        for _ in range(depth):
            block = nn.Module()
            block.ln1, block.ln2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
            block.token_mix, block.channel_mix = mmpretrain_mlp(count, tokens), mmpretrain_mlp(dim, channels)
            self.backbone.layers.append(block)
        self.backbone.ln1 = nn.LayerNorm(dim)
        self.head.fc = nn.Linear(dim, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        x = reads(self.backbone.patch_embed.projection(pixels))
        for block in self.backbone.layers:
            x = x + through(block.token_mix, "layers.0.0", "layers.1", block.ln1(x).mT).mT
            x = x + through(block.channel_mix, "layers.0.0", "layers.1", block.ln2(x))
        return self.head.fc(self.backbone.ln1(x).mean(dim=1))


class Jaketae(nn.Module):
    """Without a LayerNorm after the last block; only its names matter here."""

    def __init__(self, count: int, dim: int, classes: int) -> None:
        super().__init__()
        self.patcher = nn.Conv2d(3, dim, 2, 2)
        layer = nn.Module()
        for name, width in (("token_mixer", count), ("channel_mixer", dim)):
            mixer = nn.Module()
            mixer.norm, mixer.mlp = nn.LayerNorm(dim), two_layers("fc1", "fc2", width, width)
            layer.add_module(name, mixer)
        self.mixers = nn.Sequential(layer)
        self.classifier = nn.Linear(dim, classes)


ALL = {
    "lucidrains": lucidrains,
    "omihub777": Omihub777,
    "rishikksh20": Rishikksh20,
    "jeonsworld": Jeonsworld,
    "mmpretrain": Mmpretrain,
}
