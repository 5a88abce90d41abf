"""Which family of names a state dict uses, and its tensors under our own names.

| ours                               | timm                             | Google (flax)                         |
|------------------------------------|----------------------------------|---------------------------------------|
| stem.weight                        | stem.proj.weight                 | stem/kernel                           |
| blocks.i.norm1.weight              | the same                         | MixerBlock_i/LayerNorm_0/scale        |
| blocks.i.token_mixing.fc1.weight   | blocks.i.mlp_tokens.fc1.weight   | MixerBlock_i/token_mixing/Dense_0/kernel   |
| blocks.i.channel_mixing.fc2.weight | blocks.i.mlp_channels.fc2.weight | MixerBlock_i/channel_mixing/Dense_1/kernel |
| norm.weight                        | the same                         | pre_head_layer_norm/scale             |
| head.weight                        | the same                         | head/kernel                           |

flax keeps a Dense kernel as (in, out) and a Conv kernel as (P, P, 3, C); its names may also be joined by dots.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal

from torch import Tensor

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.model.config import Gelu

Naming = Literal["own", "timm", "google"]

# Left by DataParallel, torch.compile and modules that hold the network as `self.model`.
_WRAPPER_PREFIX = re.compile(r"^(?:module\.|_orig_mod\.|model\.)+")
# Where flax keeps the weights inside a training state; its optimiser state lies beside them and is not needed.
_FLAX_PREFIXES = ("opt.target.", "optimizer.target.", "target.", "params.")

_MARKERS: tuple[tuple[Naming, str], ...] = (
    ("google", r"^MixerBlock_\d+\."),
    ("timm", r"^blocks\.\d+\.mlp_tokens\."),
    ("own", r"^blocks\.\d+\.token_mixing\."),
)

# Checked in this order: a ResMLP also has `mlp_channels`, and Meta's own ResMLP files call their one matrix `attn`.
_MLP_FAMILY = (
    "it is a relative of the MLP-Mixer with a different equation, so it cannot run here; the page of the token-mixing "
    "weights shows its mixing matrices"
)
_OTHER_ARCHITECTURES: tuple[tuple[str, str], ...] = (
    (r"linear_tokens|norm1\.alpha$", f"a ResMLP: {_MLP_FAMILY}"),
    (r"mlp_channels\.gate\.|spatial_gating|\.sgu\.", f"a gMLP: {_MLP_FAMILY}"),
    (r"relative_position_bias_table|layers\.\d+\.blocks\.", "a Swin Transformer, not an MLP-Mixer"),
    (
        r"cls_token|pos_embed|position_embedding|attn\.qkv|\.attn\.|attention\.",
        "a Vision Transformer, not an MLP-Mixer",
    ),
    (r"^layer\d+\.\d+\.conv\d+\.", "a ResNet, not an MLP-Mixer"),
    (r"conv_dw|dwconv|^stages\.\d+\.", "a convolutional network such as ConvNeXt, not an MLP-Mixer"),
)

_TIMM_NAMES = (
    (r"^stem\.proj\.", "stem."),
    (r"\.mlp_tokens\.", ".token_mixing."),
    (r"\.mlp_channels\.", ".channel_mixing."),
)
_GOOGLE_NAMES = (
    (r"^MixerBlock_(\d+)\.", r"blocks.\1."),
    (r"\.LayerNorm_0\.", ".norm1."),
    (r"\.LayerNorm_1\.", ".norm2."),
    (r"\.Dense_0\.", ".fc1."),
    (r"\.Dense_1\.", ".fc2."),
    (r"^pre_head_layer_norm\.", "norm."),
    (r"\.(?:kernel|scale)$", ".weight"),
)


def detect_naming(names: Iterable[str]) -> Naming:
    """The family the names belong to; raises CheckpointError that tells what else the file seems to hold."""
    names = list(names)
    # First, because a ResMLP or gMLP shares most names with timm's Mixer.
    for pattern, architecture in _OTHER_ARCHITECTURES:
        if any(re.search(pattern, name) for name in names):
            raise CheckpointError(f"These weights look like {architecture}; choose a file with MLP-Mixer weights.")
    for naming, pattern in _MARKERS:
        if any(re.search(pattern, name) for name in names):
            return naming
    shown = ", ".join(repr(name[:60]) for name in names[:5]) or "none at all"
    raise CheckpointError(
        f"These weights are of an unknown architecture (first keys: {shown}); "
        "choose an MLP-Mixer in the naming of timm, of Google or of this project."
    )


def to_own_names(tensors: dict[str, Tensor]) -> tuple[dict[str, Tensor], Gelu]:
    """Rename (and for flax, transpose) a state dict to the keys of `MlpMixer`, without copying.

    Returns: the renamed tensors, and the form of GELU that their family was trained with: flax's `gelu` is the tanh
    approximation, torch's is exact. Raises CheckpointError when the names are not those of a Mixer or clash.
    """
    tensors = strip_prefixes(tensors)
    naming = detect_naming(tensors)
    if naming == "google":
        return _renamed(tensors, _google_name, _to_torch_layout), "tanh"
    return _renamed(tensors, _timm_name if naming == "timm" else str, _unchanged), "erf"


def strip_prefixes(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    dotted = _renamed(tensors, lambda name: name.replace("/", "."), _unchanged)
    for prefix in _FLAX_PREFIXES:
        inside = {name.removeprefix(prefix): value for name, value in dotted.items() if name.startswith(prefix)}
        dotted = inside or dotted
    return _renamed(dotted, lambda name: _WRAPPER_PREFIX.sub("", name), _unchanged)


def _renamed(
    tensors: dict[str, Tensor], rename: Callable[[str], str], convert: Callable[[str, Tensor], Tensor]
) -> dict[str, Tensor]:
    renamed = {rename(name): convert(name, value) for name, value in tensors.items()}
    if len(renamed) < len(tensors):
        raise CheckpointError(
            "Several tensors in this file have the same name once wrapper prefixes are removed; "
            "save the state dict of one model only."
        )
    return renamed


def _unchanged(_: str, value: Tensor) -> Tensor:
    return value


def _timm_name(name: str) -> str:
    return _substitute(name, _TIMM_NAMES)


def _google_name(name: str) -> str:
    return _substitute(name, _GOOGLE_NAMES)


def _substitute(name: str, rules: Iterable[tuple[str, str]]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def _to_torch_layout(name: str, value: Tensor) -> Tensor:
    """A flax `kernel` as torch keeps it: Dense (in, out) -> (out, in), Conv (P, P, 3, C) -> (C, 3, P, P)."""
    if not name.endswith(".kernel"):
        return value
    if value.ndim == 4:
        return value.permute(3, 2, 0, 1)
    return value.mT if value.ndim == 2 else value
