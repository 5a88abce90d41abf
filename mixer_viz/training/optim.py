"""Initial weights, AdamW groups and the learning-rate schedule."""

from __future__ import annotations

import functools
import math

import torch
from torch import nn

from mixer_viz.model import MetaFormer, Network
from mixer_viz.model.token_mixers import SelfAttention
from mixer_viz.training.recipe import Recipe


@torch.no_grad()
def initialise(model: Network, token_mixing_std: float) -> None:
    """Draw the initial weights: Xavier for channel mixing, LeCun normal for the stem, zero head as in the paper's code.

    Biases start at zero, the token-mixing MLPs as in `reset_token_mixing`. Another token mixer starts as its source has
    it: attention with Xavier for queries, keys and values each, a convolution with torch's own range, 1 / k.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d) and module.bias is not None:
            nn.init.zeros_(module.bias)
    nn.init.normal_(model.stem.weight, std=1 / math.sqrt(model.config.patch_dim))
    for name, parameter in model.blocks.named_parameters():
        if "channel_mixing" in name and parameter.ndim == 2:
            nn.init.xavier_uniform_(parameter)
    nn.init.zeros_(model.head.weight)
    if not isinstance(model, MetaFormer) or model.metaformer_config.token_mixer == "mlp":
        reset_token_mixing(model, token_mixing_std)
    for module in model.modules():
        if isinstance(module, SelfAttention):
            for matrix in (*module.query_key_value.weight.chunk(3), module.projection.weight):
                nn.init.xavier_uniform_(matrix)


@torch.no_grad()
def reset_token_mixing(model: Network, std: float) -> None:
    """Draw W1 and W2 of every block anew with standard deviation `std`, and set their biases to zero.

    A small `std` instead of the usual fan-in scale (1/sqrt(S), 0.125 for 64 patches) makes the learned part visible: at
    the usual scale the random start is never erased and every unit still looks like noise after training.
    """
    for name, parameter in model.blocks.named_parameters():
        if is_token_mixing_weight(name):
            nn.init.normal_(parameter, std=std)
        elif "token_mixing" in name:
            nn.init.zeros_(parameter)


def is_token_mixing_weight(name: str) -> bool:
    """Whether a parameter name is W1 or W2 of some block, or the weight of another token mixer."""
    return "token_mixing" in name and name.endswith("weight")


def build_optimizer(model: Network, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW with its own weight decay on the weights of token mixing, and none on biases, LayerNorm and positions."""
    token_mixing: list[nn.Parameter] = []
    matrices: list[nn.Parameter] = []
    vectors: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        is_vector = parameter.ndim < 2 or name == "position_embedding"
        group = vectors if is_vector else token_mixing if is_token_mixing_weight(name) else matrices
        group.append(parameter)
    groups = [
        {"params": token_mixing, "weight_decay": recipe.token_mixing_weight_decay},
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.lr, fused=True)


def learning_rate_factor(step: int, recipe: Recipe, steps_per_epoch: int) -> float:
    """Factor on the peak rate at optimiser step `step`: linear warm-up, then half a cosine down to min_lr."""
    warmup = recipe.warmup_epochs * steps_per_epoch
    total = recipe.epochs * steps_per_epoch
    if step < warmup:
        return (step + 1) / (warmup + 1)
    progress = min(1.0, (step - warmup) / max(1.0, total - warmup))
    floor = recipe.min_lr / recipe.lr
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))


def build_schedule(
    optimizer: torch.optim.Optimizer, recipe: Recipe, steps_per_epoch: int
) -> torch.optim.lr_scheduler.LambdaLR:
    """`learning_rate_factor` once per optimiser step."""
    factor = functools.partial(learning_rate_factor, recipe=recipe, steps_per_epoch=steps_per_epoch)
    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
