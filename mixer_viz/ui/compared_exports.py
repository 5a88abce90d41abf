"""What the page "Token mixers compared" offers for download."""

from __future__ import annotations

import dataclasses

import numpy as np
from matplotlib.figure import Figure

from mixer_viz.figures.compared_print import draw_compared
from mixer_viz.ui import cached_compared, exports
from mixer_viz.ui.choices import Choice


def downloads(choice: Choice, block: int, token: int) -> None:
    """All networks' listening on this picture as a figure and as numbers, and the table of all training runs."""
    exports.download_row(
        "token-mixers", lambda: _figure(choice, block, token), lambda: _arrays(choice, block, token), runs_csv
    )


def _figure(choice: Choice, block: int, token: int) -> Figure:
    networks = cached_compared.networks()
    return draw_compared(
        cached_compared.crop_for(choice.picture, networks[0].network.config),
        [each.title for each in networks],
        [cached_compared.listening_of(choice.picture, each, block).share for each in networks],
        token,
        f"Who patch {token} listens to in block {block + 1} of each network, and all patches below. "
        f"Picture: {choice.picture.title}",
    )


def _arrays(choice: Choice, block: int, token: int) -> dict[str, np.ndarray]:
    """Per network: share, strength and same_channel (S, S), receptive fields (L + 1, S), probabilities."""
    networks = cached_compared.networks()
    arrays = {"crop": cached_compared.crop_for(choice.picture, networks[0].network.config), "block": np.array(block)}
    for each, answer in zip(networks, cached_compared.predictions_of(choice.picture), strict=True):
        listening = cached_compared.listening_of(choice.picture, each, block)
        name = each.run.token_mixer
        arrays[f"{name}.share"], arrays[f"{name}.strength"] = listening.share, listening.strength
        arrays[f"{name}.same_channel"] = listening.same_channel
        if listening.attention is not None:
            arrays[f"{name}.attention"] = listening.attention
        arrays[f"{name}.field_of_token_{token}"] = cached_compared.field_of(choice.picture, each, token).maps
        arrays[f"{name}.probabilities"] = answer.probabilities
    return arrays


def runs_csv() -> bytes:
    """Every training run of the card, a line each."""
    names = [
        field.name
        for field in dataclasses.fields(cached_compared.runs()[0])
        if field.name not in ("path", "accuracies")
    ]
    rows = [[getattr(run, name) for name in names] for run in cached_compared.runs()]
    most = max(len(run.accuracies) for run in cached_compared.runs())
    header = [*names, *(f"accuracy_after_epoch_{epoch}" for epoch in range(1, most + 1))]
    return exports.csv_bytes(
        header, [[*row, *run.accuracies] for row, run in zip(rows, cached_compared.runs(), strict=True)]
    )
