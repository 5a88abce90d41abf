"""What a file that holds no Mixer seems to hold instead."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.language import noted, noted_list
from mixer_viz.model.wording import shown

_MLP_FAMILY = noted(
    "it is a relative of the MLP-Mixer with a different equation, so it cannot run here; the page of the token-mixing "
    "weights shows its mixing matrices"
)
# Checked in this order: a ResMLP also has `mlp_channels`, and Meta's own ResMLP files call their one matrix `attn`.
_OTHERS: tuple[tuple[str, str], ...] = (
    (
        r"mixers\.\d+\.token_mixer\.mlp\.",
        noted("a Mixer without the last LayerNorm (as in jaketae/mlp-mixer), whose equation differs from the paper's"),
    ),
    (r"linear_tokens|norm1\.alpha$", noted("a ResMLP: {why}", why=_MLP_FAMILY)),
    (r"mlp_channels\.gate\.|spatial_gating|\.sgu\.", noted("a gMLP: {why}", why=_MLP_FAMILY)),
    (r"relative_position_bias_table|layers\.\d+\.blocks\.", noted("a Swin Transformer, not an MLP-Mixer")),
    (
        r"cls_token|pos_embed|position_embedding|attn\.qkv|\.attn\.|attention\.",
        noted("a Vision Transformer, not an MLP-Mixer"),
    ),
    (r"^layer\d+\.\d+\.conv\d+\.", noted("a ResNet, not an MLP-Mixer")),
    (r"conv_dw|dwconv|^stages\.\d+\.", noted("a convolutional network such as ConvNeXt, not an MLP-Mixer")),
)


def check_no_other(names: Iterable[str]) -> None:
    """Raise CheckpointError when a name is one of another architecture's."""
    names = list(names)
    for pattern, architecture in _OTHERS:
        if any(re.search(pattern, name) for name in names):
            raise CheckpointError(
                noted(
                    "These weights look like {architecture}; choose a file with MLP-Mixer weights.",
                    architecture=architecture,
                )
            )


def unknown_architecture(names: Iterable[str]) -> CheckpointError:
    """The error for tensors under these names, none of them known; raises that of another architecture's names."""
    names = list(names)
    check_no_other(names)
    first = noted_list(shown(name, 60) for name in names[:5]) or noted("none at all")
    return CheckpointError(
        noted(
            "These weights are of an unknown architecture (first keys: {first}); "
            "choose an MLP-Mixer in the naming of timm, of Google or of this project.",
            first=first,
        )
    )
