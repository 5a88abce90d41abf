"""The families of names that Mixers are kept under, and how each becomes our own.

| ours                               | timm                             | Google (flax)                              |
|------------------------------------|----------------------------------|--------------------------------------------|
| stem.weight                        | stem.proj.weight                 | stem/kernel                                |
| blocks.i.norm1.weight              | the same                         | MixerBlock_i/LayerNorm_0/scale             |
| blocks.i.token_mixing.fc1.weight   | blocks.i.mlp_tokens.fc1.weight   | MixerBlock_i/token_mixing/Dense_0/kernel   |
| blocks.i.channel_mixing.fc2.weight | blocks.i.mlp_channels.fc2.weight | MixerBlock_i/channel_mixing/Dense_1/kernel |
| norm.weight                        | the same                         | pre_head_layer_norm/scale                  |
| head.weight                        | the same                         | head/kernel                                |

flax keeps a Dense kernel as (in, out) and a Conv kernel as (P, P, 3, C); its names may also be joined by dots. Before
linen its blocks were called `encoderblock_i`, and children were counted through all classes. The other families are
repositories that many people train from; each keeps the same network.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterable

from torch import Tensor

from mixer_viz.model.config import Gelu

Names = dict[str, str]  # name in the file -> ours


def _unchanged(_: str, value: Tensor) -> Tensor:
    return value


@dataclasses.dataclass(frozen=True)
class Family:
    """One way of naming a Mixer's tensors, once the prefix before all of them is gone."""

    name: str  # for people
    marker: str  # the token mixing of any block: names that only this family has
    rules: tuple[tuple[str, str], ...] = ()  # regular expressions and replacements, in order
    gelu: Gelu = "erf"
    layer_norm_eps: float = 1e-6
    rename: Callable[[Iterable[str]], Names] | None = None  # for what rules for single names cannot say
    convert: Callable[[str, Tensor], Tensor] = _unchanged  # by our name, to our layout

    def own_names(self, names: Iterable[str]) -> Names:
        """Our name of each."""
        return self.rename(names) if self.rename else {name: _by_rules(name, self.rules) for name in names}


def _by_rules(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def _flax_names(names: Iterable[str]) -> Names:
    """Children of a block by their number: the first LayerNorm, MLP and Dense are those that run first."""
    renamed = {name: _by_rules(name, _FLAX_RULES) for name in names}
    for kind, ours in (
        (r"LayerNorm_\d+", ("norm1", "norm2")),
        (r"MlpBlock_\d+", ("token_mixing", "channel_mixing")),
        (r"Dense_\d+", ("fc1", "fc2")),
    ):
        numbered = re.compile(rf"\.({kind})\.")
        found = {match[1] for name in renamed.values() if (match := numbered.search(name))}
        order = dict(zip(sorted(found, key=lambda child: int(child.split("_")[1])), ours, strict=False))
        for child, own in order.items():
            renamed = {name: new.replace(f".{child}.", f".{own}.") for name, new in renamed.items()}
    return renamed


_FLAX_RULES = (
    (r"^(?:Mixer|MlpMixer|Transformer)\.", ""),
    (r"^(?:MixerBlock|encoderblock)_(\d+)\.", r"blocks.\1."),
    (r"^embedding\.", "stem."),
    (r"^(?:pre_head_layer_norm|encoder_norm)\.", "norm."),
    (r"\.(?:kernel|scale)$", ".weight"),
)


def _flax_layout(name: str, value: Tensor) -> Tensor:
    """A flax kernel as torch keeps it: Dense (in, out) -> (out, in), Conv (P, P, 3, C) -> (C, 3, P, P)."""
    if value.ndim == 4:
        return value.permute(3, 2, 0, 1)
    return value.mT if value.ndim == 2 else value


def _without_kernel_axis(name: str, value: Tensor) -> Tensor:
    """A Conv1d of width 1, (out, in, 1), as the matrix (out, in) that it is."""
    return value.squeeze(2) if value.ndim == 3 and value.shape[2] == 1 else value


def _numbered_names(names: Iterable[str]) -> Names:
    """Everything in one Sequential, by number: the linear stem at 1, blocks from 2 on, then norm, mean and head."""
    names = list(names)
    blocks = [int(match[1]) for name in names if (match := re.match(r"(\d{1,9})\.[01]\.(?:fn|norm)\.", name))]
    last = max(blocks, default=1)
    rules = (
        (r"^1\.(weight|bias)$", r"stem.\1"),
        (rf"^{last + 1}\.(weight|bias)$", r"norm.\1"),
        (rf"^{last + 3}\.(weight|bias)$", r"head.\1"),
        (r"^(\d+)\.0\.norm\.", r"blocks.\1.norm1."),
        (r"^(\d+)\.1\.norm\.", r"blocks.\1.norm2."),
        (r"^(\d+)\.0\.fn\.0\.", r"blocks.\1.token_mixing.fc1."),
        (r"^(\d+)\.0\.fn\.3\.", r"blocks.\1.token_mixing.fc2."),
        (r"^(\d+)\.1\.fn\.0\.", r"blocks.\1.channel_mixing.fc1."),
        (r"^(\d+)\.1\.fn\.3\.", r"blocks.\1.channel_mixing.fc2."),
    )
    counted_from_0 = re.compile(r"^blocks\.(\d+)\.")
    return {
        name: counted_from_0.sub(lambda match: f"blocks.{int(match[1]) - 2}.", _by_rules(name, rules)) for name in names
    }


def _numbered_layout(name: str, value: Tensor) -> Tensor:
    """The stem as a matrix (C, P P 3), colours innermost, as a convolution (C, 3, P, P); the others lose an axis."""
    if name == "stem.weight" and value.ndim == 2:
        side = math.isqrt(value.shape[1] // 3)
        if 3 * side**2 == value.shape[1]:
            return value.reshape(-1, side, side, 3).permute(0, 3, 1, 2)
    return _without_kernel_axis(name, value)


FAMILIES = (
    Family("this project", r"blocks\.\d{1,9}\.token_mixing\."),
    Family(
        "timm",
        r"blocks\.\d{1,9}\.mlp_tokens\.",
        ((r"^stem\.proj\.", "stem."), (r"\.mlp_tokens\.", ".token_mixing."), (r"\.mlp_channels\.", ".channel_mixing.")),
    ),
    Family(
        "Google",
        r"(?:(?:Mixer|MlpMixer|Transformer)\.)?(?:MixerBlock|encoderblock)_\d{1,9}\.(?:token_mixing|MlpBlock_\d+)\.Dense_0\.kernel$",
        gelu="tanh",
        rename=_flax_names,
        convert=_flax_layout,
    ),
    Family(
        "lucidrains/mlp-mixer-pytorch",
        r"\d{1,9}\.0\.fn\.0\.weight$",
        layer_norm_eps=1e-5,
        rename=_numbered_names,
        convert=_numbered_layout,
    ),
    Family(
        "omihub777/MLP-Mixer-CIFAR",
        r"mixer_layers\.\d{1,9}\.mlp1\.fc1\.weight$",
        (
            (r"^patch_emb\.0\.", "stem."),
            (r"^mixer_layers\.(\d+)\.mlp1\.ln\.", r"blocks.\1.norm1."),
            (r"^mixer_layers\.(\d+)\.mlp2\.ln\.", r"blocks.\1.norm2."),
            (r"^mixer_layers\.(\d+)\.mlp1\.", r"blocks.\1.token_mixing."),
            (r"^mixer_layers\.(\d+)\.mlp2\.", r"blocks.\1.channel_mixing."),
            (r"^ln\.", "norm."),
            (r"^clf\.", "head."),
        ),
        layer_norm_eps=1e-5,
        convert=_without_kernel_axis,
    ),
    Family(
        "rishikksh20/MLP-Mixer-pytorch",
        r"mixer_blocks\.\d{1,9}\.token_mix\.2\.net\.0\.weight$",
        (
            (r"^to_patch_embedding\.0\.", "stem."),
            (r"^mixer_blocks\.(\d+)\.token_mix\.0\.", r"blocks.\1.norm1."),
            (r"^mixer_blocks\.(\d+)\.channel_mix\.0\.", r"blocks.\1.norm2."),
            (r"^mixer_blocks\.(\d+)\.token_mix\.2\.net\.", r"blocks.\1.token_mixing."),
            (r"^mixer_blocks\.(\d+)\.channel_mix\.1\.net\.", r"blocks.\1.channel_mixing."),
            (r"_mixing\.0\.", "_mixing.fc1."),
            (r"_mixing\.3\.", "_mixing.fc2."),
            (r"^layer_norm\.", "norm."),
            (r"^mlp_head\.0\.", "head."),
        ),
        layer_norm_eps=1e-5,
    ),
    Family(
        "jeonsworld/MLP-Mixer-Pytorch",
        r"layer\.\d{1,9}\.token_mlp_block\.fc0\.weight$",
        (
            (r"^layer\.(\d+)\.pre_norm\.", r"blocks.\1.norm1."),
            (r"^layer\.(\d+)\.post_norm\.", r"blocks.\1.norm2."),
            (r"^layer\.(\d+)\.(token|channel)_mlp_block\.", r"blocks.\1.\2_mixing."),
            (r"_mixing\.fc1\.", "_mixing.fc2."),
            (r"_mixing\.fc0\.", "_mixing.fc1."),
            (r"^pre_head_ln\.", "norm."),
        ),
    ),
    Family(
        "mmpretrain",
        r"(?:backbone\.)?layers\.\d{1,9}\.token_mix\.layers\.0\.0\.weight$",
        (
            (r"^backbone\.", ""),
            (r"^patch_embed\.projection\.", "stem."),
            (r"^layers\.(\d+)\.(?:ln|norm)([12])\.", r"blocks.\1.norm\2."),
            (r"^layers\.(\d+)\.(token|channel)_mix\.layers\.0\.0\.", r"blocks.\1.\2_mixing.fc1."),
            (r"^layers\.(\d+)\.(token|channel)_mix\.layers\.1\.", r"blocks.\1.\2_mixing.fc2."),
            (r"^(?:ln|norm)1\.", "norm."),
            (r"^head\.fc\.", "head."),
        ),
        layer_norm_eps=1e-5,
    ),
)
