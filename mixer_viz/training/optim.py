"""Initial weights, the optimisers with their groups, and the learning-rate schedule."""

from __future__ import annotations

import functools
import math
from typing import Any

import torch
from torch import nn

from mixer_viz.checkpoints.networks import AnyNetwork
from mixer_viz.model import MetaFormer, Network
from mixer_viz.model.convnet import ConvNet
from mixer_viz.model.token_mixers import SelfAttention
from mixer_viz.training.recipe import Recipe

_FAST_BIASES = 64


@torch.no_grad()
def initialise(model: AnyNetwork, token_mixing_std: float, stem_std: float = 0.0) -> None:
    """Draw the initial weights: Xavier for channel mixing, LeCun normal for the stem, zero head as in the paper's code.

    Biases start at zero, the token-mixing MLPs as in `reset_token_mixing`. Another token mixer starts as its source has
    it: attention with Xavier for queries, keys and values each, a convolution with torch's own range, 1 / k. The
    convnet's 3 x 3 convolutions begin by passing their channels on (Dirac), as far as there are as many.

    Args:
        stem_std: standard deviation of the patch-embedding filters; 0 for LeCun's 1 / sqrt(3 P^2).
    """
    if isinstance(model, ConvNet):
        for module in model.groups.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.dirac_(module.weight[: module.in_channels])
        return
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d) and module.bias is not None:
            nn.init.zeros_(module.bias)
    nn.init.normal_(model.stem.weight, std=stem_std or 1 / math.sqrt(model.config.patch_dim))
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


def build_optimizers(model: AnyNetwork, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """What updates the weights: AdamW or SGD for all of them, or Muon for some matrices and AdamW for the rest.

    Token mixing and stem have weight decays of their own; biases, LayerNorm and positions have none. torch's Muon
    (Jordan et al. 2024) makes every update orthogonal; see `Recipe.optimizer` for the matrices that it gets.
    """
    if recipe.optimizer == "sgd":
        return [_sgd(model, recipe)]
    groups: dict[str, list[nn.Parameter]] = {"token_mixing": [], "stem": [], "channel_mixing": [], "rest": [], "": []}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups[_group_of(name, parameter)].append(parameter)
    decays = {
        "token_mixing": recipe.token_mixing_weight_decay,
        "stem": recipe.stem_weight_decay,
        "channel_mixing": recipe.weight_decay,
        "rest": recipe.weight_decay,
        "": 0.0,
    }
    given = {"muon": ["channel_mixing"], "muon-all": ["channel_mixing", "token_mixing"]}.get(recipe.optimizer, [])
    matrices = [
        {"params": groups[name], "weight_decay": decays[name]}
        for name in given
        # Muon is for matrices, not for convolutions, and a shift has no weights at all.
        if groups[name] and all(parameter.ndim == 2 for parameter in groups[name])
    ]
    rest = [
        {"params": parameters, "weight_decay": decays[name]}
        for name, parameters in groups.items()
        if parameters and not any(each["params"] is parameters for each in matrices)
    ]
    adamw = torch.optim.AdamW(rest, lr=recipe.lr, betas=(0.9, recipe.beta2), fused=True)
    return [adamw, torch.optim.Muon(matrices, lr=recipe.muon_lr)] if matrices else [adamw]


def _group_of(name: str, parameter: nn.Parameter) -> str:
    if parameter.ndim < 2 or name == "position_embedding":
        return ""
    if is_token_mixing_weight(name):
        return "token_mixing"
    if name == "stem.weight":
        return "stem"
    return "channel_mixing" if ".channel_mixing." in name else "rest"


def _sgd(model: AnyNetwork, recipe: Recipe) -> torch.optim.SGD:
    """Nesterov SGD; the convnet's norms learn at 64 times the rate, decaying as fast as the rest, as in airbench94."""
    learned = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    fast = [learned.pop(name) for name in list(learned) if isinstance(model, ConvNet) and ".norm" in name]
    groups: list[dict[str, Any]] = [{"params": list(learned.values())}]
    if fast:
        rate = _FAST_BIASES * recipe.lr
        groups.append({"params": fast, "lr": rate, "weight_decay": recipe.weight_decay / _FAST_BIASES})
    return torch.optim.SGD(
        groups, lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay, nesterov=recipe.momentum > 0
    )


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
