"""What the player of one block shows is what the network computed."""

from __future__ import annotations

import numpy as np
import torch

import mixer_viz as mv
from mixer_viz.analysis.block_steps import MOST_STEPS, block_steps
from mixer_viz.figures.block_player import player_payload
from mixer_viz.model import MixerConfig, MlpMixer


def test_the_steps_are_the_networks_own_and_hold_what_is_selected(tiny_config: MixerConfig) -> None:
    torch.manual_seed(0)
    model = MlpMixer(tiny_config).eval()
    trace = mv.trace(model, torch.randn(1, 3, *tiny_config.image_shape))
    for channel in range(tiny_config.embed_dim):
        for token in range(tiny_config.num_patches):
            steps = block_steps(trace, 1, channel, token)
            columns, rows = steps.token_mixing, steps.channel_mixing
            assert channel in columns.lines
            assert token in rows.lines
            assert len(rows.lines) <= MOST_STEPS
            added = steps.before.T[columns.lines] + columns.branch
            np.testing.assert_allclose(added, steps.between.T[columns.lines], atol=1e-6)
            np.testing.assert_allclose(steps.between[rows.lines] + rows.branch, steps.after[rows.lines], atol=1e-6)
            np.testing.assert_array_equal(columns.hidden, trace.blocks[1].tokens_hidden[0][columns.lines].numpy())


def test_the_payload_has_a_level_for_every_number(tiny_config: MixerConfig) -> None:
    import base64

    model = MlpMixer(tiny_config).eval()
    steps = block_steps(mv.trace(model, torch.randn(1, 3, *tiny_config.image_shape)), 0, 0, 0)
    halves = [
        (half.lines, half.normed, half.hidden, half.branch) for half in (steps.token_mixing, steps.channel_mixing)
    ]
    payload = player_payload([steps.before, steps.between, steps.after], halves)
    size = tiny_config.num_patches * tiny_config.embed_dim
    assert [len(base64.b64decode(text)) for text in payload["matrices"]] == [size] * 3
    for half, (lines, *parts) in zip(payload["halves"], halves, strict=True):
        assert half["lines"] == lines.tolist()
        assert [len(base64.b64decode(part["levels"])) for part in half["parts"]] == [part.size for part in parts]
    levels = np.frombuffer(base64.b64decode(payload["matrices"][0]), np.uint8)
    assert (np.sign(levels.astype(int) - 128) == np.sign(np.round(steps.before / payload["limit"] * 127)).ravel()).all()
