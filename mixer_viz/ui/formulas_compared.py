"""The texts of the page "Token mixers compared"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mixer_viz.analysis.compared import ComparedPrediction
from mixer_viz.analysis.compared_costs import mixing_share
from mixer_viz.analysis.compared_published import REPORTED, Architecture
from mixer_viz.analysis.compared_race import Conditions
from mixer_viz.analysis.compared_speed import MixerSpeeds, NetworkSpeed, Throughput
from mixer_viz.analysis.swapped_accuracy import SwappedAccuracy
from mixer_viz.analysis.swapped_mixing import Kind, Replacement
from mixer_viz.checkpoints.compared_runs import ComparedRun
from mixer_viz.model import TOKEN_MIXERS

_UNKNOWN = "–"

IN_WORDS = (
    "A vision network needs two things: mixing inside a location and mixing across locations. Here the same small "
    "network was trained again and again, alike in all but one part: what mixes across locations."
)
NOTHING_HERE = (
    "No trained networks to compare come with this copy. `python -m mixer_viz.training.compare --data DIR --out DIR "
    "--export assets/compared` makes them."
)

ON_YOUR_PHOTO = (
    "Every network sees the same 32 × 32 pixels in patches of 4 × 4. Whether they agree says little: look at whom the "
    "selected patch listens to in each."
)
SHARE_NOTE = (
    "Share of all that the patch listens to: how strongly the token mixer's output at this patch depends on each "
    "patch's normalised token, on this picture (Frobenius norm of the derivative over channels; rows sum to 100 %). "
    "The skip connection, which always passes the patch itself on, is left out. One scale for all; it leaves out the "
    "largest value of every row, so that it is not set by what a patch keeps of itself."
)
SIGNED_NOTE = (
    "Mean over channels of the derivative of a channel at this patch with respect to the same channel of each patch, "
    "on this picture: red adds, blue takes away. Attention also mixes channels, which this leaves out."
)
FIELDS = (
    "From which patches the selected patch's features come after each block, by the gradient (Luo et al. 2016): what "
    "one block cannot reach, several can. “Half in” is the smallest share of the patches that holds half of it."
)


def answer_table(
    runs: Sequence[ComparedRun], answers: Sequence[ComparedPrediction], class_names: Sequence[str] | None
) -> dict[str, list[str]]:
    """What each network says of the picture, and how often each is right."""
    best = [int(answer.probabilities.argmax()) for answer in answers]
    names = [class_names[index] if class_names else f"class {index}" for index in best]
    return {
        "token mixer": [answer.name for answer in answers],
        "says": names,
        "probability": [
            f"{100 * answer.probabilities[index]:.1f} %" for answer, index in zip(answers, best, strict=True)
        ],
        "right on the test images": [f"{run.accuracy:.1f} %" for run in runs],
        "from": [TOKEN_MIXERS[run.token_mixer].source for run in runs],
    }


def matrices_sentence(titles: Sequence[str], shares: Sequence[np.ndarray]) -> str:
    """How much patches keep to themselves in each network."""
    kept = [f"{title} {100 * float(np.diag(share).mean()):.0f} %" for title, share in zip(titles, shares, strict=True)]
    return f"On average a patch listens to itself for: {', '.join(kept)}."


def area_table(titles: Sequence[str], areas: np.ndarray) -> dict[str, list[str]]:
    """Smallest share of the patches that holds half of the gradient, (networks, L + 1), stage by stage."""
    table = {"half in, % of all patches": list(titles)}
    for stage in range(1, areas.shape[1]):
        table[f"block {stage}"] = [
            _UNKNOWN if np.isnan(value) else f"{100 * value:.1f}" for value in areas[:, stage].tolist()
        ]
    return table


COSTS = (
    "All networks have the same stem, channel mixing and head and about as many parameters: what the token mixer saves "
    "goes to channel mixing. Counts are exact; speed is what you measure here."
)
PUBLISHED = "Sizes and work of published networks, and what the paper says of its own."
REPORTED_NOTE = (
    "Reported by Tolstikhin et al. 2021 (arXiv 2105.01601), Tables 2 and 3: ImageNet top-1 and images per second and "
    "core on a TPU-v3. Those speeds and the ones measured here are of different computers and must not be compared."
)
GROWTH = (
    "Multiply-adds of one token mixer for each token, at the same number of channels. The MLP costs the same per token "
    "as long as its hidden width D_S is kept, but its weights are made for one number of patches; attention compares "
    "every token with every other; convolution and shift do not notice how many there are."
)


def cost_table(
    runs: Sequence[ComparedRun], networks: Sequence[Any], throughput: Throughput | None
) -> dict[str, list[str]]:
    """One row per token mixer: accuracy over seeds, counts, and speed if measured."""
    plain = [run for run in runs if run.permutation == "none"]
    speeds = {row.name: row for row in throughput.rows} if throughput else {}
    table: dict[str, list[str]] = {
        name: []
        for name in (
            "token mixer",
            "right, % (seeds)",
            "parameters",
            "multiply-adds",
            "of these across locations",
            "reach in a block",
            "trained, s",
            "images/s here",
        )
    }
    for each in networks:
        mine = [run for run in plain if run.token_mixer == each.run.token_mixer]
        row = (
            each.title,
            _seeds([run.accuracy for run in mine]),
            f"{each.run.parameters:,}",
            f"{each.run.multiply_adds / 1e6:.1f} M",
            f"{100 * mixing_share(each.network.compared_config).across_locations:.1f} %",
            TOKEN_MIXERS[each.run.token_mixer].reach_in_words,
            ", ".join(f"{run.seconds:.0f}" for run in mine),
            _speed(speeds.get(each.title)),
        )
        for column, value in zip(table.values(), row, strict=True):
            column.append(value)
    return table


def _seeds(accuracies: Sequence[float]) -> str:
    values = ", ".join(f"{value:.2f}" for value in accuracies)
    return f"{np.mean(accuracies):.1f} ({values})" if len(accuracies) > 1 else f"{values} (one seed)"


def _speed(row: NetworkSpeed | None) -> str:
    return _UNKNOWN if row is None else f"{row.median:,.0f} ({row.slowest:,.0f} to {row.fastest:,.0f})"


def cost_note(card: Mapping[str, Any], throughput: Throughput | None) -> str:
    """How the networks were trained and how the speed was measured."""
    recipe = card.get("recipe", {})
    text = (
        f"Trained alike: {recipe.get('epochs')} epochs on CIFAR-10, batches of {recipe.get('batch_size')}, "
        f"{card.get('hardware', 'hardware not stated')}; {card.get('accuracy_note', '')}. So short a training favours "
        "what knows about neighbours from the start. Training times are of a shared machine: read them as rough."
    )
    if throughput is not None:
        text += f" Speed: {_conditions(throughput.conditions)}; median, slowest and fastest round."
    return text


def _conditions(conditions: Conditions) -> str:
    return (
        f"{conditions.device}, {conditions.threads} threads, {conditions.batch} images at once, "
        f"{conditions.precision}, {conditions.rounds} rounds in turns"
    )


def architecture_table(rows: Sequence[Architecture], throughput: Throughput | None) -> dict[str, list[str]]:
    """Published architectures, counted and, if asked for, measured here."""
    speeds = {row.name: row for row in throughput.rows} if throughput else {}
    batch = f" (batch {throughput.conditions.batch})" if throughput else ""
    return {
        "network": [f"{row.name} ({row.library})" for row in rows],
        "parameters": [f"{row.parameters / 1e6:.1f} M" for row in rows],
        "multiply-adds": [f"{row.multiply_adds / 1e9:.2f} G" for row in rows],
        f"images/s here{batch}": [_speed_small(speeds.get(row.name)) for row in rows],
    }


def _speed_small(row: NetworkSpeed | None) -> str:
    return _UNKNOWN if row is None else f"{row.median:.1f} ({row.slowest:.1f} to {row.fastest:.1f})"


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
    return text if speeds is None else f"{text} Measured: {_conditions(speeds.conditions)}, one token mixer alone."


def measured_in_words(speeds: MixerSpeeds) -> str:
    """The text alternative of the measured chart."""
    rows = [
        f"{TOKEN_MIXERS[row.token_mixer].title} at {row.tokens} patches: {1e6 * row.median_per_token:.3g}"
        for row in speeds.rows
    ]
    return f"Measured µs per token. {'; '.join(rows)}."


KIND_NAMES: dict[Kind, str] = {
    "identity": "Each patch to itself",
    "convolution": "Its best convolution",
    "shift": "A shift",
    "random": "A random matrix",
}
EXPLAINED_NOTE = (
    "Explained is R²: 100 % is the real token mixing, 0 % no better than a constant for each patch, below 0 worse. "
    "Stand-ins are fitted by least squares to what the block's token mixing answers on the sample pictures in the "
    "unchanged network; the random matrix is only made as strong. Behind a swapped block the next ones read what "
    "neither they nor their stand-ins were fitted to. A large kernel fits these few pictures better than others: "
    "the second column is the fairer one for a picture of your own."
)
FOLDER = (
    "At most 2,000 pictures. They stay on the computer that runs this app and are forgotten when you close the page."
)


def swapping_in_words(title: str) -> str:
    """What is swapped in which network."""
    return (
        f"Here a trained Mixer, **{title}** from the sidebar, has its token mixing replaced while it runs. Nothing is "
        "trained again, so a large change says what the network has come to rely on, not what a network needs."
    )


def replacement_table(replacements: Mapping[int, Replacement], here: Mapping[int, float]) -> dict[str, list[str]]:
    """How much of the real token mixing each stand-in explains."""
    return {
        "block": [str(block + 1) for block in replacements],
        "explained on the sample pictures": [_percent(each.explained) for each in replacements.values()],
        "explained on this picture": [_percent(here[block]) for block in replacements],
        "factor": [_UNKNOWN if each.factor is None else f"{each.factor:+.3f}" for each in replacements.values()],
    }


def _percent(share: float) -> str:
    return _UNKNOWN if np.isnan(share) else f"{100 * share:.1f} %"


def accuracy_sentence(result: SwappedAccuracy) -> str:
    """Right answers with and without the stand-ins."""
    return (
        f"Of {result.images:,} pictures the Mixer gets **{result.correct:,}** right ({100 * result.accuracy:.1f} %), "
        f"with the stand-ins **{result.swapped_correct:,}** ({100 * result.swapped_accuracy:.1f} %); "
        f"{result.changed:,} answers change."
    )


ORDERS = {
    "none": "As it is",
    "patches-and-pixels": "Patches reordered",
    "pixels": "All pixels reordered",
}
PERMUTED = (
    "What if pictures come in a fixed wrong order, the same for every picture? A network that has no idea which "
    "patches are neighbours, like the MLP over tokens, should not mind the patches being reordered; a convolution "
    "loses its neighbours. With all pixels reordered, patches hold nothing that belongs together, and both should "
    "lose. This is the paper's Figure 4 on a small scale."
)
NOTHING_PERMUTED = "No networks that were trained on reordered pictures come with this copy."
PERMUTED_NOTE = (
    "One seed for each reordered run, few epochs, small pictures: differences of a percent are nothing. Shuffling the "
    "patches of a network that was trained on ordinary pictures is another experiment: it is under Activations."
)


def permuted_table(runs: Sequence[ComparedRun]) -> dict[str, list[str]]:
    """Final accuracies by token mixer and order."""
    mixers = list(dict.fromkeys(run.token_mixer for run in runs))
    table = {"right at the end": [TOKEN_MIXERS[name].title for name in mixers]}
    for permutation, name in ORDERS.items():
        table[name] = [_final(runs, mixer, permutation) for mixer in mixers]
    return table


def _final(runs: Sequence[ComparedRun], mixer: str, permutation: str) -> str:
    mine = [run.accuracy for run in runs if (run.token_mixer, run.permutation) == (mixer, permutation)]
    return _seeds(mine) if mine else _UNKNOWN


def permuted_sentence(runs: Sequence[ComparedRun]) -> str:
    """What each network lost, in numbers; the first seed's runs against each other."""
    first = min(run.seed for run in runs)
    parts = []
    for mixer in dict.fromkeys(run.token_mixer for run in runs):
        accuracy = {run.permutation: run.accuracy for run in runs if run.token_mixer == mixer and run.seed == first}
        if "none" not in accuracy:
            continue
        changes = [
            f"{accuracy[order] - accuracy['none']:+.1f} points with {name.lower()}"
            for order, name in ORDERS.items()
            if order != "none" and order in accuracy
        ]
        if changes:
            parts.append(f"**{TOKEN_MIXERS[mixer].title}**: {', '.join(changes)}")
    return f"{'; '.join(parts)}. {_verdict(runs, first)}" if parts else ""


def _verdict(runs: Sequence[ComparedRun], seed: int) -> str:
    """Whether the paper's claim about reordered patches held in these runs."""
    accuracy = {(run.token_mixer, run.permutation): run.accuracy for run in runs if run.seed == seed}
    try:
        losses = [accuracy[name, "none"] - accuracy[name, "patches-and-pixels"] for name in ("mlp", "convolution")]
    except KeyError:
        return ""
    held = "held here, too" if losses[0] < losses[1] else "did **not** hold here"
    return (
        f"That reordered patches cost the token MLP less than the convolution {held}: "
        f"{losses[0]:.1f} against {losses[1]:.1f} points."
    )


EQUATION = r"""
All networks have this block, with $\text{Mix}$ as their only difference:

$$U = X + \text{Mix}(\text{LayerNorm}(X)) \qquad Y = U + \big(W_4\, \sigma(W_3\, \text{LayerNorm}(U)^\top)\big)^\top$$

- **MLP over tokens:** $W_2\, \sigma(W_1 N)$, $W_1 \in \mathbb{R}^{D_S \times S}$ (Tolstikhin et al. 2021)
- **Self-attention:** $\text{softmax}(Q K^\top / \sqrt{d})\, V$ for each head (Dosovitskiy et al. 2020)
- **Depthwise convolution:** one $k \times k$ filter for each channel (Trockman and Kolter 2022)
- **Spatial shift:** a twelfth of the channels moves one patch each way (Wang et al. 2022)
- **Non-local shift:** channel $c$ of patch $t$ comes from patch $(t + c) \bmod S$ (Cheng et al. 2020)
- **Average pooling:** mean of the $k \times k$ neighbours, less the patch itself (Yu et al. 2022)
- **No mixing:** $\text{Mix}(N) = N$; patches first meet in the mean before the head
"""
LIMITS = """
- Small networks, a small data set, few epochs and one recipe: which token mixer wins here says little about ImageNet.
- The recipe was not tuned for each of them, and one or two seeds show hardly any spread.
- A derivative tells what a small change does at this picture, not what would happen if a patch were taken away.
- Multiply-adds are not time: measured speed depends on the computer, the batch and the implementation.
"""
