"""Words of the player of one block."""

from __future__ import annotations

from typing import Any

from mixer_viz.language import tr
from mixer_viz.model import MixerConfig


def player_words(config: MixerConfig, block: int) -> dict[str, Any]:
    """What the player of one block says: names of matrices and strips, and its steps; "{line}" is put in there."""
    strips = [tr("normed"), tr("hidden"), tr("added")]
    return {
        "matrices": [tr("X, comes in"), tr("U, tokens mixed"), tr("Y, goes out")],
        "strips": [strips, strips],
        "steps": [_token_mixing(config), _channel_mixing(config)],
        "description": tr(
            "Block {number}: columns of the token matrix pass through token mixing, then rows through channel mixing. "
            "A click on a step opens the formula with its numbers.",
            number=block + 1,
        ),
        "play": tr("Play"),
        "pause": tr("Pause"),
        "step": tr("Step"),
    }


def _token_mixing(config: MixerConfig) -> list[dict[str, str]]:
    line, tokens, units = "{line}", config.num_patches, config.tokens_mlp_dim
    return [
        {
            "name": tr("1. LayerNorm"),
            "sentence": tr(
                "Token mixing, channel {line}: its column of {tokens} numbers, after LayerNorm.",
                line=line,
                tokens=tokens,
            ),
        },
        {
            "name": tr("2. W₁, GELU"),
            "sentence": tr(
                "Token mixing, channel {line}: W₁ and the GELU make {units} hidden units of the column.",
                line=line,
                units=units,
            ),
        },
        {
            "name": tr("3. W₂"),
            "sentence": tr(
                "Token mixing, channel {line}: W₂ makes {tokens} numbers of the {units} hidden units.",
                line=line,
                tokens=tokens,
                units=units,
            ),
        },
        {
            "name": tr("4. Add"),
            "sentence": tr(
                "Token mixing, channel {line}: they are added to the column as it was (skip connection).", line=line
            ),
        },
    ]


def _channel_mixing(config: MixerConfig) -> list[dict[str, str]]:
    line, channels, units = "{line}", config.embed_dim, config.channels_mlp_dim
    return [
        {
            "name": tr("1. LayerNorm"),
            "sentence": tr(
                "Channel mixing, patch {line}: its row of {channels} numbers, after LayerNorm.",
                line=line,
                channels=channels,
            ),
        },
        {
            "name": tr("2. W₃, GELU"),
            "sentence": tr(
                "Channel mixing, patch {line}: W₃ and the GELU make {units} hidden units of the row.",
                line=line,
                units=units,
            ),
        },
        {
            "name": tr("3. W₄"),
            "sentence": tr(
                "Channel mixing, patch {line}: W₄ makes {channels} numbers of the {units} hidden units.",
                line=line,
                channels=channels,
                units=units,
            ),
        },
        {
            "name": tr("4. Add"),
            "sentence": tr(
                "Channel mixing, patch {line}: they are added to the row as it was (skip connection).", line=line
            ),
        },
    ]
