"""DeepLIFT's rules for the two nonlinear parts of a Mixer, on a private copy that shares the weights.

captum 0.9 has rules for ReLU, tanh and others but none for GELU or LayerNorm: for a Mixer its DeepLift is silently
gradient × (image - baseline), which adds up to nothing in particular. Here both parts answer a backward pass with
secants between the image (first half of the batch) and the baseline (second half) in place of derivatives, so that
every module passes on exactly the difference that it makes: the attributions add up to f(image) - f(baseline).

- GELU: the rescale rule of Shrikumar et al. 2017 ("Learning Important Features Through Propagating Activation
  Differences", arXiv 1704.02685), change of the output over change of the input.
- LayerNorm, w · u · r + b with u = x - mean(x) and r = 1 / sqrt(mean(u²) + eps): a product's change is shared out
  evenly, Δ(u r) = Δu · (r + r') / 2 + Δr · (u + u') / 2, and r follows the rescale rule through mean(u²).
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def with_secants(model: nn.Module) -> nn.Module:
    """A copy of the module tree on the same parameters whose GELUs and LayerNorms go by the rules above.

    It computes what `model` computes; only its gradients differ, and only for a batch whose halves are images and their
    baselines. `model` is only read.
    """
    twin = private_copy(model)
    for module in list(twin.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.GELU):
                setattr(module, name, _SecantGelu(child.approximate))
            elif isinstance(child, nn.LayerNorm):
                setattr(module, name, _SecantLayerNorm(child))
    return twin


def private_copy(model: nn.Module) -> nn.Module:
    """A copy of the module tree on the same parameters and buffers: hooks on it never reach `model`."""
    shared = [*model.parameters(), *model.buffers()]
    return copy.deepcopy(model, {id(tensor): tensor for tensor in shared})


class _SecantGelu(nn.Module):
    def __init__(self, approximate: str) -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = _GeluSecant.apply(x, self.approximate)
        return result


class _SecantLayerNorm(nn.Module):
    def __init__(self, norm: nn.LayerNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        norm = self.norm
        result: Tensor = _LayerNormSecant.apply(x, norm.normalized_shape, norm.weight, norm.bias, norm.eps)
        return result


class _GeluSecant(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, approximate: str) -> Tensor:
        y = functional.gelu(x, approximate=approximate)
        ctx.save_for_backward(x, y)
        ctx.approximate = approximate
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, y = ctx.saved_tensors
        (x1, x0), (y1, y0) = x.chunk(2), y.chunk(2)
        step, middle = x1 - x0, (x1 + x0) / 2
        tangent = torch.ops.aten.gelu_backward(torch.ones_like(middle), middle, approximate=ctx.approximate)
        # Below this step rounding spoils the quotient more than the curve bends, so the slope halfway is closer.
        small = step.abs() < torch.finfo(x.dtype).eps ** (1 / 3)
        slope = torch.where(small, tangent, (y1 - y0) / torch.where(small, torch.ones_like(step), step))
        return gradients[0] * torch.cat([slope, slope]), None


class _LayerNormSecant(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, shape: tuple[int, ...], weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.eps, ctx.axes = eps, tuple(range(-len(shape), 0))
        return functional.layer_norm(x, shape, weight, bias, eps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        axes = ctx.axes
        u1, u0 = (x - x.mean(axes, keepdim=True)).chunk(2)
        r1, r0 = (torch.rsqrt(u.square().mean(axes, keepdim=True) + ctx.eps) for u in (u1, u0))
        # (r1 - r0) / (q1 - q0) for r = 1 / sqrt(q), without the division by a difference.
        slope = -((r1 * r0) ** 2) / (r1 + r0)
        u, r = (u1 + u0) / 2, (r1 + r0) / 2
        parts = []
        for gradient in gradients[0].chunk(2):
            inner = gradient * weight
            part = inner * r + 2 * slope * u * (inner * u).mean(axes, keepdim=True)
            parts.append(part - part.mean(axes, keepdim=True))
        return torch.cat(parts), None, None, None, None
