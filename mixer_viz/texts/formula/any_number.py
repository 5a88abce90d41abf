"""Words of the formula view for every number but those of token mixing, which `token_mixing` has."""

from __future__ import annotations

import numpy as np

from mixer_viz.analysis.activations.any_number import Softmax, WeightedSum
from mixer_viz.analysis.activations.formula import LayerNormStep
from mixer_viz.language import mark, tr
from mixer_viz.model.config import Gelu
from mixer_viz.texts.formula.numbers import bracketed, gelu_form, largest_terms, tex

_DIGITS = 7
EMBEDDING = mark(
    "The patch, one number for each pixel and colour, times one filter of the patch embedding; the same filters serve "
    "every patch."
)
CHANNEL_MIXING = mark(
    "Channel mixing works inside one patch: its channels become hidden units, and these its channels again. Patches do "
    "not meet here."
)
POOLING = mark("The mean over all patches, after the last LayerNorm: each patch has the same weight, 1/S.")
HEAD = mark("The logit of a class: the pooled vector times the class's row of the head, and a bias.")


def sum_step(symbol: str, formula: str, step: WeightedSum, bias_name: str = "") -> str:
    """A sum of products, its largest terms, and both sides: worked out here, and stored by the network's pass."""
    total = tex(float(step.partial_sums[-1]), digits=_DIGITS)
    skip = f"{tex(step.skip, digits=_DIGITS)} + " if step.skip else ""
    bias = f" {tex(step.bias, signed=True, digits=_DIGITS)}" if bias_name else ""
    return rf"""
$${symbol} = {formula} = {skip}{bracketed_total(total)}{bias} = {tex(step.result, digits=_DIGITS)}$$

{largest_terms(step.weights, step.values, step.products, step.term)}

{closes(step.stored, step.result, step.difference)}
"""


def bracketed_total(text: str) -> str:
    """In brackets where a sign stands in front."""
    return f"({text})" if text.startswith("-") else text


def closes(stored: float, result: float, difference: float) -> str:
    """Both sides of a number."""
    return tr(
        "The network's own pass has stored **{stored:.7g}**; worked out above in double precision: **{result:.7g}**. "
        "Difference: **{difference:.1e}**, what rounding in the network leaves.",
        stored=stored,
        result=result,
        difference=difference,
    )


def layer_norm_step(step: LayerNormStep, channel: int, stored: float) -> str:
    """LayerNorm of one token at one channel, with both sides."""
    fraction = rf"\dfrac{{{tex(step.values[channel])} - {bracketed(step.mean)}}}{{{tex(step.deviation)}}}"
    scale, shift = bracketed(step.scale[channel]), tex(step.shift[channel], signed=True)
    equation = r"N_{t,c} = \dfrac{X_{t,c} - \mu_t}{\sigma_t}\,\gamma_c + \beta_c"
    numbers, result = rf"{fraction} \cdot {scale} {shift}", float(step.result[channel])
    return tr(
        r"""
The token is centred and scaled by the mean $\mu_t$ and the deviation $\sigma_t = \sqrt{{{variance} +
{eps}}}$ of its {channels} channels; then each channel has a learned scale $\gamma_c$ and shift
$\beta_c$.

$${equation} = {numbers} = {result}$$

{closes}
""",
        variance=tex(step.variance),
        eps=tex(step.eps),
        channels=step.values.size,
        equation=equation,
        numbers=numbers,
        result=tex(result, digits=_DIGITS),
        closes=closes(stored, result, abs(result - stored)),
    )


def hidden_step(unit: int, before: WeightedSum, hidden: float, gelu: Gelu) -> str:
    """From the channels to one hidden unit of channel mixing, its GELU included."""
    total = tex(float(before.partial_sums[-1]))
    return tr(
        r"""
Unit $u = {unit}$ has one weight for each channel:

$$a_u = \sum_k W_3[u,k]\,M_{{t,k}} + b_3[u] = {total} {bias} = {before}$$

{largest} Then the GELU:

$$h_u = \mathrm{{gelu}}(a_u) = {form} = {hidden}$$
""",
        unit=unit,
        total=total,
        bias=tex(before.bias, signed=True),
        before=tex(before.result),
        largest=largest_terms(before.weights, before.values, before.products, "channel"),
        form=gelu_form(gelu),
        hidden=tex(hidden),
    )


def softmax_step(step: Softmax, name: str, target: int) -> str:
    """One class's exponential beside the sum of all; `name` as Markdown shows it."""
    top = float(step.logits.max())
    own, total = float(step.exponentials[target]), float(np.sum(step.exponentials))
    return tr(
        r"""
Every logit becomes positive by the exponential function, and the probability is the share of the sum over all
{classes:,} classes. The largest logit, {top:.4g}, is subtracted from each first, which changes no share. For
{name}:

$$p = \dfrac{{e^{{{logit} - {top_logit}}}}}{{\sum_k e^{{\ell_k - {top_logit}}}}} =
\dfrac{{{own}}}{{{total}}} = {result}$$

The pages show **{stored:.5f} %**; worked out above: **{share:.5f} %**. Difference:
**{difference:.1e}**.
""",
        classes=step.logits.size,
        top=top,
        name=name,
        logit=tex(float(step.logits[target])),
        top_logit=bracketed(top),
        own=tex(own),
        total=tex(total),
        result=tex(step.result, digits=_DIGITS),
        stored=100 * step.stored,
        share=100 * step.result,
        difference=step.difference,
    )
