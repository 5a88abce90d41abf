"""The texts of the page "Token mixers compared" on costs, accuracy and speed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mixer_viz.analysis.comparison.costs import MixingShare, mixing_share
from mixer_viz.analysis.comparison.published import REPORTED, Architecture
from mixer_viz.analysis.comparison.throughput import MixerSpeeds, NetworkSpeed, Throughput
from mixer_viz.analysis.comparison.timing import Conditions
from mixer_viz.checkpoints.metaformer_runs import MetaFormerRun
from mixer_viz.model import TOKEN_MIXERS
from mixer_viz.texts import UNKNOWN

COSTS = (
    "All networks have the same stem, depth, channels and head and about as many parameters: what a token mixer saves "
    "makes channel mixing wider (D_C, its hidden units). Attention alone also learns where patches stand. Counts are "
    "exact; of them, those across locations bring different patches together: for attention, the query-key products "
    "and the weighted sum, without the projections. Speed is what you measure here."
)
PALER = "Paler lines are further trainings of the same network, from other seeds."
PUBLISHED = "Sizes and work of published networks, and what the paper says of its own."
REPORTED_NOTE = (
    "Reported by Tolstikhin et al. 2021 (arXiv 2105.01601), Tables 2 and 3: ImageNet top-1 and images per second and "
    "core on a TPU-v3. Those speeds and the ones measured here are of different computers and must not be compared."
)
GROWTH = (
    "Multiply-adds of one token mixer for each token, at the same number of channels. The MLP costs the same per token "
    "as long as its hidden width D_S is kept, but its weights are made for one number of patches; attention compares "
    "every token with every other, and counts with its projections; convolution and shift do not notice how many there "
    "are."
)


def cost_table(
    runs: Sequence[MetaFormerRun], networks: Sequence[Any], throughput: Throughput | None
) -> dict[str, list[str]]:
    """One row per token mixer: accuracy over seeds, counts, and speed if measured."""
    plain = [run for run in runs if run.permutation == "none"]
    speeds = {row.name: row for row in throughput.rows} if throughput else {}
    table: dict[str, list[str]] = {
        name: []
        for name in (
            "token mixer",
            "right, % (seeds)",
            _speed_title(throughput),
            "parameters",
            "D_C",
            "multiply-adds",
            "of these across locations",
            "reach in a block",
            "trained, s",
        )
    }
    for each in networks:
        mine = [run for run in plain if run.token_mixer == each.run.token_mixer]
        row = (
            each.title,
            seeds_in_words([run.accuracy for run in mine]),
            _speed(speeds.get(each.title)),
            f"{each.run.parameters:,}",
            str(each.run.channels_mlp_dim),
            f"{each.run.multiply_adds / 1e6:.1f} M",
            _share(mixing_share(each.network.metaformer_config)),
            TOKEN_MIXERS[each.run.token_mixer].reach_in_words.format(k=each.network.metaformer_config.kernel_size),
            ", ".join(f"{run.seconds:.0f}" for run in mine),
        )
        for column, value in zip(table.values(), row, strict=True):
            column.append(value)
    return table


def seeds_in_words(accuracies: Sequence[float]) -> str:
    """Mean and every seed's accuracy, in percent."""
    values = ", ".join(f"{value:.2f}" for value in accuracies)
    return f"{np.mean(accuracies):.1f} ({values})" if len(accuracies) > 1 else f"{values} (one seed)"


def _share(share: MixingShare) -> str:
    across = f"{100 * share.across_locations:.1f} %"
    inside = share.token_mixers > share.across_locations
    return f"{across} ({100 * share.token_mixers:.1f} % with projections)" if inside else across


def _speed_title(throughput: Throughput | None) -> str:
    return f"images/s here (batch {throughput.conditions.batch})" if throughput else "images/s here"


def _speed(row: NetworkSpeed | None) -> str:
    return UNKNOWN if row is None else f"{row.median:,.0f} ({row.slowest:,.0f} to {row.fastest:,.0f})"


def no_mixing_sentence(runs: Sequence[MetaFormerRun]) -> str:
    """What is no better than no mixing at all; empty where that was not trained."""
    plain = [run for run in runs if run.permutation == "none"]
    means = {
        name: float(np.mean([run.accuracy for run in plain if run.token_mixer == name]))
        for name in dict.fromkeys(run.token_mixer for run in plain)
    }
    if "identity" not in means:
        return ""
    none = means.pop("identity")
    sentence = f"Even without mixing, patches meet in the mean before the head: that alone gets {none:.1f} % right."
    spread = chance(runs)
    above = {TOKEN_MIXERS[name].title: mean - none for name, mean in means.items()}
    near = [f"{title} ({points:+.1f} points)" for title, points in above.items() if points < spread]
    if near:
        sentence += (
            f" No better than no mixing, beyond the spread between two trainings (up to {spread:.1f} points): "
            f"{', '.join(near)}."
        )
    return sentence


def chance(runs: Sequence[MetaFormerRun]) -> float:
    """The most, in points, that trainings differ by which differ in their random start only.

    To the MLP over tokens, reordered patches are such a start: it knows nothing of neighbours.
    """
    alike: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        same = run.token_mixer == "mlp" and run.permutation == "patches-and-pixels"
        alike.setdefault((run.token_mixer, "none" if same else run.permutation), []).append(run.accuracy)
    return max((max(values) - min(values) for values in alike.values()), default=0.0)


def cost_note(card: Mapping[str, Any], throughput: Throughput | None) -> str:
    """How the networks were trained and how the speed was measured."""
    recipe = card.get("recipe", {})
    text = (
        f"Trained alike: {recipe.get('epochs')} epochs on {card.get('data') or 'data not stated'}, batches of "
        f"{recipe.get('batch_size')}, {card.get('hardware', 'hardware not stated')}; {card.get('accuracy_note', '')}. "
        "So short a training favours what knows about neighbours from the start."
    )
    if throughput is not None:
        conditions = _conditions(throughput.conditions)
        text += f" Speed: {conditions}; median, slowest and fastest round. Where these overlap, order may be chance."
    return text


def _counted(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def _conditions(conditions: Conditions) -> str:
    return (
        f"{conditions.device}, {_counted(conditions.threads, 'thread')}, "
        f"{_counted(conditions.batch, 'image')} at once, {conditions.precision}, {conditions.rounds} rounds in turns"
    )


def architecture_table(rows: Sequence[Architecture], throughput: Throughput | None) -> dict[str, list[str]]:
    """Published architectures, counted and, if asked for, measured here."""
    speeds = {row.name: row for row in throughput.rows} if throughput else {}
    return {
        "network": [f"{row.name} ({row.library})" for row in rows],
        "parameters": [f"{row.parameters / 1e6:.1f} M" for row in rows],
        "multiply-adds": [f"{row.multiply_adds / 1e9:.2f} G" for row in rows],
        _speed_title(throughput): [_speed_small(speeds.get(row.name)) for row in rows],
    }


def _speed_small(row: NetworkSpeed | None) -> str:
    return UNKNOWN if row is None else f"{row.median:.1f} ({row.slowest:.1f} to {row.fastest:.1f})"


def reported_table() -> dict[str, list[str]]:
    """The paper's own rows."""
    return {
        "network": [row.model for row in REPORTED],
        "pre-trained on": [row.pretraining for row in REPORTED],
        "at": [row.image_size for row in REPORTED],
        "top-1": [f"{row.top1:.2f} %" for row in REPORTED],
        "images/s/core": [f"{row.images_per_second_per_core:,}" for row in REPORTED],
    }


def growth_note(speeds: MixerSpeeds | None) -> str:
    """How the measured side was measured."""
    text = "Shift, pooling and no mixing need no multiply-adds at all, but moving numbers takes time, too."
    if speeds is None:
        return text
    nothing = [f"{1e6 * row.median_per_token:.2g}" for row in speeds.rows if row.token_mixer == "identity"]
    left_out = f" No mixing, off the chart: {' to '.join((nothing[-1], nothing[0]))} µs." if nothing else ""
    return f"{text} Measured: {_conditions(speeds.conditions)}, one token mixer alone.{left_out}"


def measured_in_words(speeds: MixerSpeeds) -> str:
    """The text alternative of the measured chart."""
    rows = [
        f"{TOKEN_MIXERS[row.token_mixer].title} at {row.tokens} patches: {1e6 * row.median_per_token:.3g}"
        for row in speeds.rows
    ]
    return f"Measured µs per token. {'; '.join(rows)}."
