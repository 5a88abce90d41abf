"""The texts of the activations page for switched-off parts, shuffled patches, and the formula in numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mixer_viz.analysis.activations.ablation import Ablation, Kind, Replacement
from mixer_viz.analysis.activations.formula import LayerNormStep, TokenMixingFormula
from mixer_viz.model import MixerConfig
from mixer_viz.model.config import Gelu

# Links hold what the buttons say.
KINDS: dict[str, Kind] = {"Half-block": "branch", "Patch": "token", "Channel": "channel", "Hidden unit": "unit"}
REPLACEMENTS: dict[str, Replacement] = {"Zero": "zero", "Mean": "mean"}
_THINGS: dict[Kind, str] = {"token": "patch", "channel": "channel", "unit": "unit"}
_TOP = 5
_UNSEEN = 0.05  # percentage points: what rounds to 0.0

SWITCHING_OFF = (
    "Set a part of the network to zero, or to its mean, and let the rest run: another pass, not an estimate. What is "
    "chosen here is switched off at once; add it to the list to switch off more with it."
)
MEAN_NOTE = (
    "**Mean**, on this picture: a half-block writes the same into every patch, a patch becomes the mean patch, a "
    "channel the same number everywhere; a unit of token mixing has its mean over the channels, one of channel mixing "
    "its mean over the patches. Zero takes a thing away, but zero may be a value that the network never sees."
)
SHUFFLING = (
    "Token mixing has one weight for every place, so the order of the patches counts. Put them in another order and "
    "see what is left of the answer."
)
PAPER_EXPERIMENT = (
    "**The paper's own experiment is another one** (Tolstikhin et al. 2021, section 3.4, Figure 4). It *trained* "
    "networks from the start on pictures that were all permuted in one and the same way. With the patches in another "
    "order, and the pixels inside every patch in another order too, the Mixer learned as well as without, and a ResNet "
    "clearly worse: the Mixer has no order built in. With all pixels of the picture permuted both lost, the ResNet "
    "more. Here a network that was trained on pictures in their own order meets the new order for the first time. If "
    "it fails, that shows which order it has learned, not what it could have learned; if not, the answer rests on what "
    "is in the patches more than on where they are."
)


def answer_table(
    names: Sequence[str], shown: np.ndarray, before: np.ndarray, after: np.ndarray
) -> dict[str, list[str]]:
    """The five best classes of the probabilities `shown`, and how each changes, as columns of a table."""
    top = np.argsort(-shown, kind="stable")[:_TOP].tolist()
    return {
        "class": [names[index] for index in top],
        "probability": [f"{100 * shown[index]:.1f} %" for index in top],
        "change": [f"{_points(after[index] - before[index])} points" for index in top],
    }


def change_sentence(names: Sequence[str], before: np.ndarray, after: np.ndarray) -> str:
    """The largest change of a probability, and what becomes of the answer."""
    index = int(np.abs(after - before).argmax())
    change = after[index] - before[index]
    first, last = names[int(before.argmax())], names[int(after.argmax())]
    kept = before.argmax() == after.argmax()
    answer = f"The answer stays **{first}**." if kept else f"The answer was **{first}** and is now **{last}**."
    if 100 * abs(change) < _UNSEEN:
        return f"No probability changes by as much as {_UNSEEN} points. {answer}"
    return (
        f"Largest change: **{names[index]}**, from {100 * before[index]:.1f} % to {100 * after[index]:.1f} % "
        f"({_points(change)} points). {answer}"
    )


def ablation_name(ablation: Ablation, stages: Sequence[str]) -> str:
    """What is switched off, as "unit 4 of block 1 token mixing, to its mean"; `stages` are the names of all stages."""
    stage = stages[ablation.stage]
    to = "to zero" if ablation.to == "zero" else "to its mean"
    if ablation.kind == "branch":
        return f"all that {stage} adds, {to}"
    place = f"of {stage}" if ablation.kind == "unit" else f"after {stage}" if ablation.stage else "of the embedding"
    return f"{_THINGS[ablation.kind]} {ablation.index} {place}, {to}"


def each_alone_sentence(names: Sequence[str], changes: np.ndarray, followed: str) -> str:
    """Which half-block, switched off alone, changes the class's probability (2 L changes, -1 to 1) most."""
    index = int(np.abs(changes).argmax())
    quiet = int((100 * np.abs(changes) < 1).sum())
    return (
        f"Alone, **{names[index]}** matters most for {followed}: {_points(changes[index])} points. For {quiet} of the "
        f"{len(changes)} half-blocks the change is below one point. Others make up for the one that is missing, so "
        "such changes do not add up."
    )


def identity_sentence(logits: np.ndarray, permuted: np.ndarray, gap: float, name: str) -> str:
    """Both sides of the identity between a shuffled picture and permuted weights."""
    best = int(logits.argmax())
    return (
        "Put the columns of every $W_1$, and the rows of every $W_2$ and $b_2$, in the same order as the patches, and "
        f"the shuffled picture gives the old logits again. For {name}: {permuted[best]:.5f} with permuted weights, "
        f"{logits[best]:.5f} for the picture as it is. Largest difference over all {logits.size:,} classes: {gap:.1e}."
    )


def formula_in_words(config: MixerConfig, block: int, token: int, channel: int) -> str:
    """Which number is followed, and what it takes."""
    return rf"""
One number of the network, step by step: $U_{{t,c}}$, what patch $t = {token}$ holds in channel $c = {channel}$ after
token mixing in block {block + 1}. It takes {config.num_patches} numbers (channel {channel} of every patch), makes
$D_S = {config.tokens_mlp_dim}$ hidden units of them, and one number of these. One hidden unit, $u$, is shown in full.

$$U_{{t,c}} = X_{{t,c}} + \sum_u W_2[t,u]\;\mathrm{{gelu}}\Big(\sum_s W_1[u,s]\,N_{{s,c}} + b_1[u]\Big) + b_2[t]$$
"""


def norm_step(step: LayerNormStep, channel: int) -> str:
    """LayerNorm of one token, at one channel."""
    fraction = rf"\dfrac{{{tex(step.values[channel])} - {bracketed(step.mean)}}}{{{tex(step.deviation)}}}"
    scale, shift = bracketed(step.scale[channel]), tex(step.shift[channel], signed=True)
    # Each formula in one line: Markdown reads the first line of a longer one as something else.
    equation = r"N_{t,c} = \dfrac{X_{t,c} - \mu_t}{\sigma_t}\,\gamma_c + \beta_c"
    return rf"""
Each token is centred and scaled by the mean $\mu_t$ and the deviation $\sigma_t$ of its own {step.values.size}
channels; then each channel has a learned scale $\gamma_c$ and shift $\beta_c$. For patch {step.token}:

$${equation} = {fraction} \cdot {scale} {shift} = {tex(step.result[channel])}$$
"""


def first_step(step: TokenMixingFormula) -> str:
    """A row of W1 times the column, and its bias."""
    total = step.partial_sums1[-1]
    return rf"""
Unit $u = {step.unit}$ has one weight for each patch. Weight times value, patch by patch, then the sum and the bias:

$$a_u = \sum_s W_1[u,s]\,N_{{s,c}} + b_1[u] = {tex(total)} {tex(step.b1, signed=True)} = {tex(step.preactivation)}$$

{largest_terms(step.w1_row, step.normed, step.products1, "patch")}
"""


def gelu_form(gelu: Gelu) -> str:
    """The activation function of this checkpoint at a_u, for LaTeX."""
    if gelu == "erf":
        return r"a_u\,\Phi(a_u)"
    return r"\tfrac{1}{2} a_u\Big(1 + \tanh\big(\sqrt{2/\pi}\,(a_u + 0.044715\,a_u^3)\big)\Big)"


def gelu_step(step: TokenMixingFormula, gelu: Gelu) -> str:
    """The activation function at this unit's value."""
    form = gelu_form(gelu)
    words = (
        "$\\Phi$: the normal distribution function" if gelu == "erf" else "the tanh approximation of this checkpoint"
    )
    return rf"""
It lets large values through and makes clearly negative ones almost zero; in between they dip below 0 ({words}):

$$h_u = \mathrm{{gelu}}(a_u) = {form} = \mathrm{{gelu}}({tex(step.preactivation)}) = {tex(step.hidden)}$$
"""


def second_step(step: TokenMixingFormula) -> str:
    """A row of W2 times the hidden units, and its bias."""
    total = step.partial_sums2[-1]
    return rf"""
Patch $t = {step.token}$ has one weight for each unit. The sum runs over all {step.hiddens.size} units; unit {step.unit}
gives ${tex(step.w2_row[step.unit])} \cdot {bracketed(step.hidden)} = {tex(step.products2[step.unit])}$ of it:

$$\sum_u W_2[t,u]\,h_u + b_2[t] = {tex(total)} {tex(step.b2, signed=True)} = {tex(step.branch)}$$

{largest_terms(step.w2_row, step.hiddens, step.products2, "unit")}
"""


def closing_step(step: TokenMixingFormula) -> str:
    """The skip connection, and both sides: what was worked out here, and what the network's pass has stored."""
    total = f"{tex(step.skip, digits=7)} {tex(step.branch, signed=True, digits=7)}"
    return rf"""
What the patch held before is added to what the units wrote, the branch:

$$U_{{t,c}} = X_{{t,c}} + \text{{branch}} = {total} = {tex(step.result, digits=7)}$$

The network's own pass has stored **{step.stored:.7g}**; worked out above, term by term in double precision:
**{step.result:.7g}**. Difference: **{step.difference:.1e}**, what rounding in the network leaves.
"""


def largest_terms(weights: np.ndarray, values: np.ndarray, products: np.ndarray, term: str, count: int = 3) -> str:
    """The few largest products of a sum in numbers, and their share of all."""
    order = np.argsort(-np.abs(products), kind="stable")[:count].tolist()
    terms = ", ".join(
        rf"{term} {index}: ${tex(weights[index])} \cdot {bracketed(values[index])} = {tex(products[index])}$"
        for index in order
    )
    return f"The largest of the {products.size} products: {terms}."


def tex(value: float, signed: bool = False, digits: int = 4) -> str:
    """A number for LaTeX, with powers of ten written out; `signed` writes the plus as well."""
    text = f"{value:{'+' if signed else ''}.{digits}g}"
    mantissa, _, exponent = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def bracketed(value: float) -> str:
    """As `tex`, in brackets where a sign stands in front."""
    return f"({tex(value)})" if value < 0 else tex(value)


def _points(change: float) -> str:
    """A change of a probability (-1 to 1) in percentage points, without a sign where it rounds to zero."""
    return f"{100 * change:+.1f}" if 100 * abs(change) >= _UNSEEN else "0.0"
