"""The texts of the token-mixing page that carry this model's numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from mixer_viz.analysis.token_mixing.opposing_pairs import COPY_COSINE, OPPOSING_COSINE
from mixer_viz.analysis.token_mixing.weights import Units
from mixer_viz.language import mark, tr
from mixer_viz.model import MixerConfig
from mixer_viz.model.wording import by

_LIMITS = (
    mark(
        "A clear pattern shows what a unit reads, not what the network uses it for. Scaling the unit, above, tests its "
        "use on one picture only."
    ),
    mark(
        "The paper found structure in early blocks and little in later ones; it can be the other way round. What is "
        "drawn depends strongly on the training pictures, on augmentation and on how training starts: it describes "
        "this checkpoint alone."
    ),
    mark(
        "$W_2 W_1$ leaves out the GELU and the biases; the derivatives beside it have them, but hold near this picture "
        "only."
    ),
    mark("On its own scale a weak unit looks as strong as a strong one. Compare on one scale, or read the length."),
    mark("Random maps also have a best partner: count those at cosine {opposing} or less, and compare with the start."),
    mark(
        "That a convolution explains a mixing matrix does not make the network one: the part left over may matter most."
    ),
)


def limits() -> str:
    """What the pictures of the page do not prove, as a list."""
    return "\n".join(f"- {tr(each, opposing=OPPOSING_COSINE)}" for each in _LIMITS)


def two_optimisers(clear: float | None, noisy: float | None) -> str:
    """What two small networks show that were trained alike but for their optimiser; accuracies in percent."""
    if clear is None or noisy is None:
        raise ValueError("the cards of the two networks give no accuracy")
    return tr(
        "Of two small networks, trained alike for six epochs, one got Muon on the matrices of channel mixing alone and "
        "AdamW with weight decay on token mixing; the other got Muon on token mixing as well. They get {clear:.1f} % "
        "and {noisy:.1f} % of the test pictures right. The units of the one are smooth maps; those of the other look "
        "like noise, as Muon makes every direction of a matrix equally strong at each step. So a network whose units "
        "look like noise may have learned as much: what shows is a matter of training too.",
        clear=clear,
        noisy=noisy,
    )


def units_in_words(config: MixerConfig) -> str:
    """What a hidden unit is, in this model's numbers, and how S and D_S differ."""
    tokens, units = config.num_patches, config.tokens_mlp_dim
    return tr(
        "Each of the {units} little maps is one hidden unit. It has one weight for each of the {tokens} patches, so "
        "it is drawn on the {grid} grid of patches. In a red patch a positive input "
        "raises the unit and a negative one lowers it; in a blue patch it is the other way round.",
        units=units,
        tokens=tokens,
        grid=by(config.grid_shape),
    )


def block_summary(title: str, block: int, units: Units, distinct: int) -> str:
    """What the measures say of one block, and of which checkpoint: another one may look quite different."""
    count = len(units.frequency)
    opposed = 2 * int((units.partner_cosine <= OPPOSING_COSINE).sum() // 2)
    return tr(
        "**{title}, block {block}:** {opposed} of {count} units stand in an opposing pair (cosine {opposing} or less, "
        "one to one), and {distinct} are distinct when near-copies (cosine {copy} or more) count once. Mean frequency: "
        "{frequency:.3f} cycles per patch.",
        title=title,
        block=block + 1,
        opposed=opposed,
        count=count,
        opposing=OPPOSING_COSINE,
        distinct=distinct,
        copy=COPY_COSINE,
        frequency=units.frequency.mean(),
    )


def unit_table(
    units: Units, unit: int, opposite: float, bias: float, effect: float, top_class: str
) -> dict[str, list[str]]:
    """The numbers of one unit, as columns of a table."""
    cosine = tr("there is no other") if math.isnan(opposite) else f"{opposite:+.2f}"
    rows = {
        tr("mean radial frequency"): tr("{frequency:.3f} cycles per patch", frequency=units.frequency[unit]),
        tr("orientation (direction of change)"): tr(
            "{angle:.0f}°, clear to {share:.0f} %",
            angle=units.orientation[unit],
            share=100 * units.orientation_strength[unit],
        ),
        tr("radius (locality)"): tr("{radius:.2f} patches", radius=units.locality[unit]),
        tr("length of W₁ row, W₂ column"): f"{units.norm1[unit]:.3g}, {units.norm2[unit]:.3g}",
        tr("weights under 5 % of the block's largest"): tr(
            "W₁ {first:.0f} %, W₂ {second:.0f} %", first=100 * units.sparsity1[unit], second=100 * units.sparsity2[unit]
        ),
        tr("cosine to the most opposite unit of all"): cosine,
        tr("cosine of W₁ row and W₂ column"): f"{units.likeness[unit]:+.2f}",
        tr("bias"): f"{bias:+.3g}",
        tr("first-order effect on {answer}", answer=top_class): tr("{effect:+.3g} logits", effect=effect),
    }
    return {tr("of this unit"): list(rows), tr("value"): list(rows.values())}


def scaled_table(
    names: Sequence[str], probabilities: np.ndarray, factors: Sequence[float], top: Sequence[int]
) -> dict[str, list[str]]:
    """Probabilities (F, num_classes) of the `top` classes for each factor, as columns of a table."""
    table = {tr("class"): [names[index] for index in top]}
    for factor, row in zip(factors, probabilities, strict=True):
        title = {0.0: tr("unit off"), 1.0: tr("unchanged")}.get(factor, f"× {factor:g}")
        table[title] = [tr("{share:.1f} %", share=100 * row[index]) for index in top]
    return table


def largest_change(probabilities: np.ndarray, factors: Sequence[float], names: Sequence[str]) -> str:
    """What switching the unit off does, in a sentence."""
    before, after = probabilities[list(factors).index(1.0)], probabilities[list(factors).index(0.0)]
    index = int(np.abs(after - before).argmax())
    change = 100 * (after[index] - before[index])
    if abs(change) < 0.005:
        return tr(
            "Switched off, it changes no probability by as much as 0.005 points: one unit of many rarely decides alone."
        )
    return tr(
        "Switched off, it changes **{answer}** most: by {change:+.2f} points.", answer=names[index], change=change
    )


def depth_note(start_is_real: bool) -> str:
    """What the grey curves are."""
    if start_is_real:
        return tr("Grey: the same network before training, from its own first snapshot.")
    return tr(
        "Grey: weights drawn anew with standard deviation $1/\\sqrt{\\text{inputs}}$, as this checkpoint's own start "
        "is not known; lengths and ranks depend on that choice, frequency and radius do not."
    )


def listening_note(block_count: int) -> str:
    """How to read the three kinds of map."""
    return tr(
        '"Reads": what the patch takes from every patch; "is read by": what every patch takes from it. Each of the '
        "{count} blocks has its own colour limits, printed under the maps.",
        count=block_count,
    )


def field_notes(area: np.ndarray) -> tuple[str, ...]:
    """Areas (L + 1, 3) that hold 20, 50 and 99 % of the gradient, one text per stage."""
    return tuple(
        tr("no gradient")
        if math.isnan(row[0])
        else " · ".join(
            tr("{held} % in {area:.0f} %", held=held, area=100 * part)
            for held, part in zip((20, 50, 99), row, strict=True)
        )
        for row in area
    )


def mixing_equation(config: MixerConfig, block: int) -> str:
    """Token mixing with this model's sizes, and every measure of the page."""
    tokens, units, channels = config.num_patches, config.tokens_mlp_dim, config.embed_dim
    chance = tr("by chance the same number here") if tokens == units else tr("another number here")
    paragraphs = (
        tr(
            "Token mixing in block {block}, the same for each of the $C = {channels}$ channels (a column $x$ of the "
            "normalised tokens):",
            block=block + 1,
            channels=channels,
        ),
        r"$$x \mapsto W_2\,\mathrm{gelu}(W_1 x + b_1) + b_2$$",
        tr(
            r"with $W_1$ of size $D_S \times S = {units} \times {tokens}$ and $W_2$ of size "
            r"$S \times D_S = {tokens} \times {units}$.",
            units=units,
            tokens=tokens,
        ),
        tr(
            "**$S$ or $D_S$?** $S = {tokens}$ is the number of patches: image size and patch size fix it. "
            "$D_S = {units}$ is the hidden width: a free choice, {chance}. A unit is a row of $W_1$ ($S$ weights, one "
            "per patch: a map), and there are $D_S$ of them: {units} maps of {tokens} weights make the {matrix:,} "
            "weights of $W_1$.",
            tokens=tokens,
            units=units,
            chance=chance,
            matrix=tokens * units,
        ),
        *(tr(each) for each in _MEASURES),
    )
    return "\n" + "\n\n".join(paragraphs) + "\n"


_MEASURES = (
    mark(
        "**Order.** Rows are centred and scaled to unit length. Frequency: mean radius of the two-dimensional discrete "
        "Fourier transform, weighted by power, without its constant term, in cycles per patch (at most "
        r"$\sqrt{1/2} \approx 0.71$). Partner: the most negative cosine, taken one to one, best pair first. Pairs are "
        "sorted by their mean frequency, low first. The paper (Tolstikhin et al. 2021, Figure 5) shows such an order "
        "without a formula; this one is ours."
    ),
    mark(
        "**Other measures.** Radius: root mean square distance to the centroid, weighted by the squared weights. "
        "Orientation: the direction in which the pattern changes, 0° to the right, 90° down. Effect: "
        r"$\sum_c h_c\, \partial \text{logit} / \partial h_c$ over the channels, for the top class, to first order."
    ),
    mark(
        "**Who talks to whom.** Static: $W_2 W_1$, as if GELU were the identity. On this picture: the derivative of "
        "what a patch gets by what a patch had, exact, with GELU: after LayerNorm as the mean over channels (signed), "
        "and through LayerNorm as the Frobenius norm over both channels."
    ),
)


def convolution_note(nulls: Mapping[str, float], matrix: str = "$M = W_2 W_1$") -> str:
    """What the meter measures, with the shares that a random matrix of this size has on average."""
    values = tr(", ").join(
        tr("{name} {share:.2g} %", name=tr(name), share=100 * value) for name, value in nulls.items()
    )
    return tr(
        "Share of {matrix} that the best kernel explains: $1 - |M - K|^2 / |M|^2$, with $K$ the nearest matrix in "
        "which a weight depends on the displacement between two patches alone (zeros outside the picture). Grey "
        "lines: what a matrix of independent random weights would have on average. A constant matrix, which averages "
        "over all patches, counts as a very large kernel, so compare with the 3 × 3 kernel. For this size: {values}.",
        matrix=matrix,
        values=values,
    )


def pairs_note(distance: np.ndarray, count: np.ndarray) -> str:
    """Over how many pairs of patches each mean of the curve by distance goes."""
    most = int(count.argmax())
    return tr(
        "Each point is a mean over all pairs of patches at that distance: {most:,} pairs at distance {common}, "
        "{fewest:,} at {farthest}. The last points rest on few pairs, in the corners.",
        most=count[most],
        common=distance[most],
        fewest=count[-1],
        farthest=int(distance[-1]),
    )
