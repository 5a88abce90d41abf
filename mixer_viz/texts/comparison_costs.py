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
from mixer_viz.language import mark, tr
from mixer_viz.model import TOKEN_MIXERS
from mixer_viz.texts import UNKNOWN

COSTS = mark(
    "All networks have the same stem, depth, channels and head and about as many parameters: what a token mixer saves "
    "makes channel mixing wider (D_C, its hidden units). Attention alone also learns where patches stand. Counts are "
    "exact; of them, those across locations bring different patches together: for attention, the query-key products "
    "and the weighted sum, without the projections. Speed is what you measure here."
)
_NO_DATA, _NO_HARDWARE = mark("data not stated"), mark("hardware not stated")  # in a card
PALER = mark("Paler lines are further trainings of the same network, from other seeds.")
PUBLISHED = mark("Sizes and work of published networks, and what the paper says of its own.")
REPORTED_NOTE = mark(
    "Reported by Tolstikhin et al. 2021 (arXiv 2105.01601), Tables 2 and 3: ImageNet top-1 and images per second and "
    "core on a TPU-v3. Those speeds and the ones measured here are of different computers and must not be compared."
)
GROWTH = mark(
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
            tr("token mixer"),
            tr("right, % (seeds)"),
            _speed_title(throughput),
            tr("parameters"),
            "D_C",
            tr("multiply-adds"),
            tr("of these across locations"),
            tr("reach in a block"),
            tr("trained, s"),
        )
    }
    for each in networks:
        mine = [run for run in plain if run.token_mixer == each.run.token_mixer]
        row = (
            tr(each.title),
            seeds_in_words([run.accuracy for run in mine]),
            _speed(speeds.get(each.title)),
            f"{each.run.parameters:,}",
            str(each.run.channels_mlp_dim),
            f"{each.run.multiply_adds / 1e6:.1f} M",
            _share(mixing_share(each.network.metaformer_config)),
            tr(TOKEN_MIXERS[each.run.token_mixer].reach_in_words, k=each.network.metaformer_config.kernel_size),
            tr(", ").join(f"{run.seconds:.0f}" for run in mine),
        )
        for column, value in zip(table.values(), row, strict=True):
            column.append(value)
    return table


def seeds_in_words(accuracies: Sequence[float]) -> str:
    """Mean and every seed's accuracy, in percent."""
    if len(accuracies) == 1:
        return tr("{accuracy:.2f} (one seed)", accuracy=accuracies[0])
    values = tr(", ").join(f"{value:.2f}" for value in accuracies)
    return tr("{mean:.1f} ({seeds})", mean=np.mean(accuracies), seeds=values)


def _share(share: MixingShare) -> str:
    across = 100 * share.across_locations
    if share.token_mixers == share.across_locations:
        return tr("{share:.1f} %", share=across)
    return tr("{across:.1f} % ({all:.1f} % with projections)", across=across, all=100 * share.token_mixers)


def _speed_title(throughput: Throughput | None) -> str:
    if throughput is None:
        return tr("images/s here")
    return tr("images/s here (batch {batch})", batch=throughput.conditions.batch)


def _speed(row: NetworkSpeed | None) -> str:
    if row is None:
        return UNKNOWN
    return tr("{median:,.0f} ({slowest:,.0f} to {fastest:,.0f})", **_three(row))


def _three(row: NetworkSpeed) -> dict[str, float]:
    return {"median": row.median, "slowest": row.slowest, "fastest": row.fastest}


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
    sentence = tr(
        "Even without mixing, patches meet in the mean before the head: that alone gets {share:.1f} % right.",
        share=none,
    )
    spread = chance(runs)
    near = [
        tr("{title} ({points:+.1f} points)", title=tr(TOKEN_MIXERS[name].title), points=mean - none)
        for name, mean in means.items()
        if mean - none < spread
    ]
    if not near:
        return sentence
    return tr(
        "{sentence} No better than no mixing, beyond the spread between two trainings (up to {spread:.1f} points): "
        "{list}.",
        sentence=sentence,
        spread=spread,
        list=tr(", ").join(near),
    )


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
    text = tr(
        "Trained alike: {epochs} epochs on {data}, batches of {batch}, {hardware}; {note}. So short a training favours "
        "what knows about neighbours from the start.",
        epochs=recipe.get("epochs"),
        data=tr(card.get("data") or _NO_DATA),
        batch=recipe.get("batch_size"),
        hardware=tr(card.get("hardware", _NO_HARDWARE)),
        note=tr(card.get("accuracy_note", "")),
    )
    if throughput is None:
        return text
    return tr(
        "{text} Speed: {conditions}; median, slowest and fastest round. Where these overlap, order may be chance.",
        text=text,
        conditions=_conditions(throughput.conditions),
    )


def _conditions(conditions: Conditions) -> str:
    threads, batch = conditions.threads, conditions.batch
    return tr(
        "{device}, {threads}, {images} at once, {precision}, {rounds} rounds in turns",
        device=conditions.device,
        threads=tr("1 thread") if threads == 1 else tr("{count} threads", count=threads),
        images=tr("1 image") if batch == 1 else tr("{count} images", count=batch),
        precision=conditions.precision,
        rounds=conditions.rounds,
    )


def architecture_table(rows: Sequence[Architecture], throughput: Throughput | None) -> dict[str, list[str]]:
    """Published architectures, counted and, if asked for, measured here."""
    speeds = {row.name: row for row in throughput.rows} if throughput else {}
    return {
        tr("network"): [f"{row.name} ({row.library})" for row in rows],
        tr("parameters"): [f"{row.parameters / 1e6:.1f} M" for row in rows],
        tr("multiply-adds"): [f"{row.multiply_adds / 1e9:.2f} G" for row in rows],
        _speed_title(throughput): [_speed_small(speeds.get(row.name)) for row in rows],
    }


def _speed_small(row: NetworkSpeed | None) -> str:
    if row is None:
        return UNKNOWN
    return tr("{median:.1f} ({slowest:.1f} to {fastest:.1f})", **_three(row))


def reported_table() -> dict[str, list[str]]:
    """The paper's own rows."""
    return {
        tr("network"): [row.model for row in REPORTED],
        tr("pre-trained on"): [row.pretraining for row in REPORTED],
        tr("at"): [tr(row.image_size) for row in REPORTED],
        "top-1": [tr("{share:.2f} %", share=row.top1) for row in REPORTED],
        tr("images/s/core"): [f"{row.images_per_second_per_core:,}" for row in REPORTED],
    }


def growth_note(speeds: MixerSpeeds | None) -> str:
    """How the measured side was measured."""
    text = tr("Shift, pooling and no mixing need no multiply-adds at all, but moving numbers takes time, too.")
    if speeds is None:
        return text
    nothing = [f"{1e6 * row.median_per_token:.2g}" for row in speeds.rows if row.token_mixer == "identity"]
    said = tr(
        "{text} Measured: {conditions}, one token mixer alone.", text=text, conditions=_conditions(speeds.conditions)
    )
    if not nothing:
        return said
    return tr("{text} No mixing, off the chart: {least} to {most} µs.", text=said, least=nothing[-1], most=nothing[0])


def measured_in_words(speeds: MixerSpeeds) -> str:
    """The text alternative of the measured chart."""
    rows = [
        tr(
            "{mixer} at {tokens} patches: {micro:.3g}",
            mixer=tr(TOKEN_MIXERS[row.token_mixer].title),
            tokens=row.tokens,
            micro=1e6 * row.median_per_token,
        )
        for row in speeds.rows
    ]
    return tr("Measured µs per token. {list}.", list=tr("; ").join(rows))
