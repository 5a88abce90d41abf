"""The texts of the page "Token mixers compared"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mixer_viz.analysis.comparison.token_jacobian import MetaFormerJacobian, MetaFormerPrediction
from mixer_viz.checkpoints.metaformer_runs import MetaFormerRun
from mixer_viz.language import mark, tr
from mixer_viz.model import TOKEN_MIXERS, MixerConfig
from mixer_viz.model.metaformer_config import Permutation
from mixer_viz.texts import UNKNOWN
from mixer_viz.texts.comparison_costs import seeds_in_words
from mixer_viz.texts.from_files import literal
from mixer_viz.texts.names.classes import class_in_words

IN_WORDS = mark(
    "A vision network needs two things: mixing inside a location and mixing across locations. Here the same small "
    "network was trained again and again, each time with a different way to do the second."
)
NOT_THE_SIDEBAR = mark(
    "These are networks of their own, small and trained for a short time. The model in the sidebar is another one; it "
    "counts under “Swapped at run time” only."
)
NOTHING_HERE = mark(
    "No trained networks to compare come with this copy. `python -m mixer_viz.training.compare --data DIR --out DIR "
    "--export assets/compared` makes them."
)

SHARE_NOTE = mark(
    "Share of all that the patch listens to: how strongly the token mixer's output at this patch depends on each "
    "patch's normalised token, on this picture (Frobenius norm of the derivative over channels; rows sum to 100 %). "
    "The skip connection, which always passes the patch itself on, is left out. One scale for all; it leaves out the "
    "largest value of every row, so that it is not set by what a patch keeps of itself."
)
SIGNED_NOTE = mark(
    "Mean over channels of the derivative of a channel at this patch with respect to the same channel of each patch, "
    "on this picture: red adds, blue takes away. Attention also mixes channels, which this leaves out. "
    "On one scale for all, what stays pale is weak beside the others."
)
HEADS_NOTE = mark(
    "How much of each patch's value every head takes for the selected patch, at this picture: softmax weights, which "
    "sum to 100 %. The maps above hold more of attention: what its matrices make of the values, and how a patch "
    "changes the weights themselves."
)
FIELDS = mark(
    "From which patches the selected patch's features come after each block, by the gradient (Luo et al. 2016): what "
    "one block cannot reach, several can. “Half in” is the smallest share of the patches that holds half of it. "
    "Colours are each patch's share in %, on one scale for all."
)


def on_your_photo(config: MixerConfig) -> str:
    """What the networks are given, and what to look at."""
    return tr(
        "Every network sees the same {size} × {size} pixels in patches of {patch} × {patch}. Whether they agree says "
        "little: look at whom the selected patch listens to in each.",
        size=config.image_size,
        patch=config.patch_size,
    )


def answer_table(
    runs: Sequence[MetaFormerRun], answers: Sequence[MetaFormerPrediction], class_names: Sequence[str] | None
) -> dict[str, list[str]]:
    """What each network says of the picture, and how often each is right."""
    says = [_says(answer, class_names) for answer in answers]
    return {
        tr("token mixer"): [tr(answer.name) for answer in answers],
        tr("says"): [name for name, _ in says],
        tr("probability"): [probability for _, probability in says],
        tr("right on the test images (one training)"): [tr("{share:.1f} %", share=run.accuracy) for run in runs],
        tr("from"): [tr(TOKEN_MIXERS[run.token_mixer].source) for run in runs],
    }


def answer_in_words(answer: MetaFormerPrediction, class_names: Sequence[str] | None) -> str:
    """The first class and its probability."""
    return " ".join(_says(answer, class_names))


def _says(answer: MetaFormerPrediction, class_names: Sequence[str] | None) -> tuple[str, str]:
    best = int(answer.probabilities.argmax())
    name = literal(class_in_words(class_names[best])) if class_names else tr("class {index}", index=best)
    return name, tr("{share:.1f} %", share=100 * answer.probabilities[best])


def matrices_sentence(titles: Sequence[str], listening: Sequence[MetaFormerJacobian]) -> str:
    """How much patches keep to themselves in each network, and where that is taken away instead of added."""
    kept, taken = [], []
    for title, each in zip(titles, listening, strict=True):
        kept.append(tr("{title} {share:.0f} %", title=title, share=100 * float(np.diag(each.share).mean())))
        if np.diag(each.same_channel).mean() < 0:
            taken.append(title)
    sentence = tr("Average share of listening that goes to the patch itself: {list}.", list=tr(", ").join(kept))
    if not taken:
        return sentence
    if len(taken) == 1:
        return tr(
            "{sentence} In this network the patch's own share is subtracted from the skip connection: {list}.",
            sentence=sentence,
            list=taken[0],
        )
    return tr(
        "{sentence} In these networks the patch's own share is subtracted from the skip connection: {list}.",
        sentence=sentence,
        list=tr(", ").join(taken),
    )


def area_table(titles: Sequence[str], areas: np.ndarray) -> dict[str, list[str]]:
    """Smallest share of the patches that holds half of the gradient, (networks, L + 1), stage by stage."""
    table = {tr("half in, % of all patches"): list(titles)}
    for stage in range(1, areas.shape[1]):
        table[tr("block {block}", block=stage)] = [
            UNKNOWN if np.isnan(value) else f"{100 * value:.1f}" for value in areas[:, stage].tolist()
        ]
    return table


ORDERS: dict[Permutation, str] = {
    "none": mark("As it is"),
    "patches-and-pixels": mark("Patches reordered, inside too"),
    "pixels": mark("All pixels reordered"),
}
PERMUTED = mark(
    "What if pictures come in a fixed wrong order, the same for every picture? The MLP over tokens has no idea which "
    "patches are neighbours: with its patches reordered it trains exactly as from another random start, so all that "
    "it can lose is what differs from one start to the next. A convolution loses its neighbours. The order of the "
    "pixels inside patches costs neither anything, since the first layer reads all of a patch at once. With all pixels "
    "reordered, patches hold nothing that belongs together, and both should lose. The paper does this in its Figure 4 "
    "with a large Mixer and a ResNet, which reads pixels, not patches."
)
NOTHING_PERMUTED = mark("No networks that were trained on reordered pictures come with this copy.")
PERMUTED_NOTE = mark(
    "One order for all runs, few seeds and epochs, small pictures. What the MLP over tokens gains or loses with "
    "reordered patches is chance, so it shows how far two trainings can differ."
)


def order_in_sentence(order: Permutation) -> str:
    """An order of the pictures as it stands within a sentence."""
    return tr(ORDERS[order]).lower()


def reordered_answers(answers: Mapping[Permutation, Mapping[str, str]]) -> dict[str, list[str]]:
    """What networks trained on each order say of a picture in that order; `answers` holds it by order and title."""
    titles = list(dict.fromkeys(title for found in answers.values() for title in found))
    table = {tr("trained on, and shown"): [tr(ORDERS[order]) for order in answers]}
    return table | {title: [found.get(title, UNKNOWN) for found in answers.values()] for title in titles}


def permuted_table(runs: Sequence[MetaFormerRun]) -> dict[str, list[str]]:
    """Final accuracies by token mixer and order."""
    mixers = list(dict.fromkeys(run.token_mixer for run in runs))
    table = {tr("right at the end"): [tr(TOKEN_MIXERS[name].title) for name in mixers]}
    for permutation, name in ORDERS.items():
        table[tr(name)] = [_final(runs, mixer, permutation) for mixer in mixers]
    return table


def _final(runs: Sequence[MetaFormerRun], mixer: str, permutation: str) -> str:
    mine = [run.accuracy for run in runs if (run.token_mixer, run.permutation) == (mixer, permutation)]
    return seeds_in_words(mine) if mine else UNKNOWN


def permuted_sentence(runs: Sequence[MetaFormerRun]) -> str:
    """What each network lost, in numbers: runs of the same seed against each other, and the mean over the seeds."""
    parts = []
    for mixer in dict.fromkeys(run.token_mixer for run in runs):
        losses = {order: _losses(runs, mixer, order) for order in ORDERS if order != "none"}
        changes = [
            tr("{points} with {order}", points=_points(values), order=order_in_sentence(order))
            for order, values in losses.items()
            if values
        ]
        if changes:
            title = tr(TOKEN_MIXERS[mixer].title)
            parts.append(tr("**{title}**: {changes}", title=title, changes=tr(", ").join(changes)))
    return tr("{changes}. {verdict}", changes=tr("; ").join(parts), verdict=_verdict(runs)) if parts else ""


def _losses(runs: Sequence[MetaFormerRun], mixer: str, order: Permutation) -> list[float]:
    """Points of accuracy lost with reordered pictures, for each seed that was trained both ways."""
    accuracy = {(run.permutation, run.seed): run.accuracy for run in runs if run.token_mixer == mixer}
    pairs = [(accuracy["none", seed], accuracy.get((order, seed))) for how, seed in accuracy if how == "none"]
    return [plain - permuted for plain, permuted in pairs if permuted is not None]


def _points(losses: Sequence[float]) -> str:
    mean = -np.mean(losses)
    if len(losses) == 1:
        return tr("{points:+.1f} points", points=mean)
    seeds = tr(", ").join(f"{-loss:+.1f}" for loss in losses)
    return tr("{points:+.1f} points (seeds: {seeds})", points=mean, seeds=seeds)


def _verdict(runs: Sequence[MetaFormerRun]) -> str:
    """Whether the paper's claim about reordered patches held in these runs."""
    losses = [_losses(runs, name, "patches-and-pixels") for name in ("mlp", "convolution")]
    if not all(losses):
        return ""
    mlp, convolution = (np.mean(each) for each in losses)
    if mlp < convolution:
        return tr(
            "That reordered patches cost the token MLP less than the convolution held here, too: {mlp:.1f} against "
            "{convolution:.1f} points.",
            mlp=mlp,
            convolution=convolution,
        )
    return tr(
        "That reordered patches cost the token MLP less than the convolution did **not** hold here: {mlp:.1f} against "
        "{convolution:.1f} points.",
        mlp=mlp,
        convolution=convolution,
    )


EQUATION = mark(r"""
All networks have this block; $\text{Mix}$ differs, and with it the hidden width $D_C$ of channel mixing, chosen so that
all have about as many parameters:

$$U = X + \text{Mix}(\text{LayerNorm}(X)) \qquad Y = U + \big(W_4\, \sigma(W_3\, \text{LayerNorm}(U)^\top)\big)^\top$$

- **MLP over tokens:** $W_2\, \sigma(W_1 N)$, $W_1 \in \mathbb{R}^{D_S \times S}$ (Tolstikhin et al. 2021)
- **Self-attention:** $\text{softmax}(Q K^\top / \sqrt{d})\, V$ for each head, then one matrix over all heads; it
  alone learns where patches stand, as a position embedding (Dosovitskiy et al. 2020)
- **Depthwise convolution:** one $k \times k$ filter for each channel (Trockman and Kolter 2022)
- **Spatial shift:** a twelfth of the channels moves one patch each way (Wang et al. 2022)
- **Non-local shift:** channel $c$ of patch $t$ comes from patch $(t + c) \bmod S$ (Cheng et al. 2020)
- **Average pooling:** mean of the $k \times k$ neighbours, less the patch itself (Yu et al. 2022)
- **No mixing:** $\text{Mix}(N) = N$; patches first meet in the mean before the head
""")
LIMITS = mark("""
- Small networks, a small data set, few epochs and one recipe: which token mixer wins here says little about ImageNet.
- The recipe was not tuned for each of them, and a few seeds cannot tell networks apart that differ by a point or two.
- A derivative tells what a small change does at this picture, not what would happen if a patch were taken away.
- Multiply-adds are not time: measured speed depends on the computer, the batch and the implementation.
""")
