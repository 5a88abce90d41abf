"""Words of the formula view for one number of token mixing, from LayerNorm to the skip connection."""

from __future__ import annotations

from mixer_viz.analysis.activations.formula import LayerNormStep, TokenMixingFormula
from mixer_viz.language import tr
from mixer_viz.model import MixerConfig
from mixer_viz.model.config import Gelu
from mixer_viz.texts.formula.numbers import bracketed, gelu_form, largest_terms, tex


def formula_in_words(config: MixerConfig, block: int, token: int, channel: int) -> str:
    """Which number is followed, and what it takes."""
    return tr(
        r"""
One number of the network, step by step: $U_{{t,c}}$, what patch $t = {token}$ holds in channel $c = {channel}$ after
token mixing in block {block}. It takes {patches} numbers (channel {channel} of every patch), makes
$D_S = {units}$ hidden units of them, and one number of these. One hidden unit, $u$, is shown in full.

$$U_{{t,c}} = X_{{t,c}} + \sum_u W_2[t,u]\;\mathrm{{gelu}}\Big(\sum_s W_1[u,s]\,N_{{s,c}} + b_1[u]\Big) + b_2[t]$$
""",
        token=token,
        channel=channel,
        block=block + 1,
        patches=config.num_patches,
        units=config.tokens_mlp_dim,
    )


def norm_step(step: LayerNormStep, channel: int) -> str:
    """LayerNorm of one token, at one channel."""
    fraction = rf"\dfrac{{{tex(step.values[channel])} - {bracketed(step.mean)}}}{{{tex(step.deviation)}}}"
    scale, shift = bracketed(step.scale[channel]), tex(step.shift[channel], signed=True)
    # Each formula in one line: Markdown reads the first line of a longer one as something else.
    equation = r"N_{t,c} = \dfrac{X_{t,c} - \mu_t}{\sigma_t}\,\gamma_c + \beta_c"
    numbers = rf"{fraction} \cdot {scale} {shift}"
    return tr(
        r"""
Each token is centred and scaled by the mean $\mu_t$ and the deviation $\sigma_t$ of its own {channels}
channels; then each channel has a learned scale $\gamma_c$ and shift $\beta_c$. For patch {token}:

$${equation} = {numbers} = {result}$$
""",
        channels=step.values.size,
        token=step.token,
        equation=equation,
        numbers=numbers,
        result=tex(step.result[channel]),
    )


def first_step(step: TokenMixingFormula) -> str:
    """A row of W1 times the column, and its bias."""
    return tr(
        r"""
Unit $u = {unit}$ has one weight for each patch. Weight times value, patch by patch, then the sum and the bias:

$$a_u = \sum_s W_1[u,s]\,N_{{s,c}} + b_1[u] = {total} {bias} = {result}$$

{largest}
""",
        unit=step.unit,
        total=tex(step.partial_sums1[-1]),
        bias=tex(step.b1, signed=True),
        result=tex(step.preactivation),
        largest=largest_terms(step.w1_row, step.normed, step.products1, "patch"),
    )


def gelu_step(step: TokenMixingFormula, gelu: Gelu) -> str:
    """The activation function at this unit's value."""
    if gelu == "erf":
        words = tr("$\\Phi$: the normal distribution function")
    else:
        words = tr("the tanh approximation of this checkpoint")
    return tr(
        r"""
It lets large values through and makes clearly negative ones almost zero; in between they dip below 0 ({words}):

$$h_u = \mathrm{{gelu}}(a_u) = {form} = \mathrm{{gelu}}({before}) = {after}$$
""",
        words=words,
        form=gelu_form(gelu),
        before=tex(step.preactivation),
        after=tex(step.hidden),
    )


def second_step(step: TokenMixingFormula) -> str:
    """A row of W2 times the hidden units, and its bias."""
    return tr(
        r"""
Patch $t = {token}$ has one weight for each unit. The sum runs over all {units} units; unit {unit}
gives ${weight} \cdot {hidden} = {product}$ of it:

$$\sum_u W_2[t,u]\,h_u + b_2[t] = {total} {bias} = {branch}$$

{largest}
""",
        token=step.token,
        units=step.hiddens.size,
        unit=step.unit,
        weight=tex(step.w2_row[step.unit]),
        hidden=bracketed(step.hidden),
        product=tex(step.products2[step.unit]),
        total=tex(step.partial_sums2[-1]),
        bias=tex(step.b2, signed=True),
        branch=tex(step.branch),
        largest=largest_terms(step.w2_row, step.hiddens, step.products2, "unit"),
    )


def closing_step(step: TokenMixingFormula) -> str:
    """The skip connection, and both sides: what was worked out here, and what the network's pass has stored."""
    total = f"{tex(step.skip, digits=7)} {tex(step.branch, signed=True, digits=7)}"
    return tr(
        r"""
What the patch held before is added to what the units wrote, the branch:

$$U_{{t,c}} = X_{{t,c}} + \text{{branch}} = {total} = {result}$$

The network's own pass has stored **{stored:.7g}**; worked out above, term by term in double precision:
**{worked_out:.7g}**. Difference: **{difference:.1e}**, what rounding in the network leaves.
""",
        total=total,
        result=tex(step.result, digits=7),
        stored=step.stored,
        worked_out=step.result,
        difference=step.difference,
    )
