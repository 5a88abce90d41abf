"""The texts of the activations page that carry this picture's and this model's numbers."""

from __future__ import annotations

from collections.abc import Sequence

from mixer_viz.analysis.activations.layers import HiddenActivations
from mixer_viz.analysis.activations.logit_attribution import LogitAttribution
from mixer_viz.analysis.activations.logit_lens import PatchLogits
from mixer_viz.language import mark, shown, tr
from mixer_viz.model import MixerConfig

LENS_CAVEAT = mark(
    "The last LayerNorm and the classifier are applied to the tokens of every layer, although they were trained for "
    "the last one. A late jump does not mean that the class was unknown before: probes trained for each layer rise "
    "smoothly where this view jumps."
)
LIMITS = mark("""
- A large activation is not a reason: only switching it off tells what it did, and only on this picture.
- Colours of "Likeness" show which patches go together inside one layer; they are no fixed directions.
- What the classifier says of an early layer shows how far it speaks the classifier's language, not what it knows.
- A part of the logit is exact for the scale of the last LayerNorm on this picture. Without that half-block, later ones
  would have answered differently.
- CKA says which patches go together, not what the layers say about them: two that are alike can mean different things.
""")


def cka_note(permuted: float | None) -> str:
    """How to read linear CKA, with what it is on average when one side's patches are in random order."""
    meaning = tr("Linear CKA compares which patches go together in two layers, from 0 to 1.")
    if permuted is None:
        return meaning
    return tr(
        "{meaning} With the patches of one layer in random order it would be {permuted:.2f} here on average: only "
        "what lies clearly above says that layers are alike.",
        meaning=meaning,
        permuted=permuted,
    )


def layers_in_words(config: MixerConfig) -> str:
    """What a layer is on this page."""
    last = 2 * config.num_blocks
    return tr(
        "One pass through the network, looked at in {count} layers: the embedding (0), then after each token "
        "mixing and each channel mixing (1 to {last}).",
        count=last + 1,
        last=last,
    )


def layer_numbers(
    name: str, norm: float, mean_norm: float, ratio: float, cosine: float, similarity: float, to_mean: float
) -> dict[str, list[str]]:
    """What is measured at one layer, as columns of a table; ratio and cosine are nan for the embedding.

    `name` is noted, or said already.
    """
    rows = {
        tr("layer"): shown(name),
        tr("length of this patch's token"): f"{norm:.3g}",
        tr("mean length of all tokens"): f"{mean_norm:.3g}",
        tr("mean cosine between tokens"): f"{similarity:+.2f}",
        tr("cosine of this token to the mean token"): f"{to_mean:+.2f}",
    }
    if ratio == ratio:
        added = tr("{share:.0f} % of what was there", share=100 * ratio)
        rows[tr("over all tokens: what the step added, in length")] = added
        rows[tr("over all tokens: cosine of the added to what was there")] = f"{cosine:+.2f}"
    return {tr("at this layer"): list(rows), tr("value"): list(rows.values())}


def row_word(mixing: str) -> str:
    """What the rows of hidden activations are, in token mixing and in channel mixing."""
    return tr("channel") if mixing == "token" else tr("token")


def hidden_note(hidden: HiddenActivations) -> str:
    """How much of one MLP is active, and where most."""
    top = hidden.strongest[0]
    return tr(
        "{share:.0f} % of the activations are above 0. The strongest is {value:+.2f}: unit {unit} at {row} {number}.",
        share=100 * hidden.active_share,
        value=top.value,
        unit=top.unit,
        row=row_word(hidden.mixing),
        number=top.row,
    )


def strongest_table(hidden: HiddenActivations) -> dict[str, list[str]]:
    """The strongest activations, as columns of a table."""
    return {
        tr("unit"): [str(entry.unit) for entry in hidden.strongest],
        row_word(hidden.mixing): [str(entry.row) for entry in hidden.strongest],
        tr("activation"): [f"{entry.value:+.3f}" for entry in hidden.strongest],
    }


def mean_closes(logits: PatchLogits, name: str) -> str:
    """Both sides of the identity between per-patch logits and the logit."""
    return tr(
        "At the last layer this is exact: the mean of the {count} patch logits of {name} is {mean:.5f}, the network's "
        "logit is {logit:.5f} (difference {difference:.1e}).",
        count=logits.values.shape[1],
        name=name,
        mean=logits.last_mean,
        logit=logits.logit,
        difference=abs(logits.last_mean - logits.logit),
    )


def parts_close(parts: LogitAttribution, name: str) -> str:
    """Both sides of the split of a logit."""
    return tr(
        "Sum of all parts and the constant ({constant:+.3f}): {total:.5f}. The logit of {name}: {logit:.5f} "
        "(difference {difference:.1e}).",
        constant=parts.constant,
        total=parts.total,
        name=name,
        logit=parts.logit,
        difference=abs(parts.total - parts.logit),
    )


def top_classes_by_layer(
    names: Sequence[str], layers: Sequence[str], probabilities: Sequence[Sequence[float]]
) -> dict[str, list[str]]:
    """Probabilities of some classes at every layer, as columns of a table; `layers` are noted, or said already."""
    table = {tr("layer"): [shown(layer) for layer in layers]}
    for name, column in zip(names, zip(*probabilities, strict=True), strict=True):
        while name in table:  # another class of that name, or one called "layer": both need a column
            name += " "
        table[name] = [tr("{share:.1f} %", share=100 * value) for value in column]
    return table


ACTIVATIONS_EQUATION = mark(r"""
$T = 1 + 2L$ layers: $X_0$ is the embedding; token mixing adds its branch, then channel mixing adds its own:

$$X_{2b+1} = X_{2b} + \text{token branch}_b(X_{2b}), \qquad X_{2b+2} = X_{2b+1} + \text{channel branch}_b(X_{2b+1})$$

**Effect of a channel:** $\sum_s x_{s,c}\; \partial \text{logit} / \partial x_{s,c}$, to first order. **Linear CKA** of
two layers with centred tokens $X$, $Y$: $|Y^\top X|^2 / (|X^\top X|\,|Y^\top Y|)$, Frobenius norms (Kornblith et al.
2019).

**Parts of a logit:** the last tokens are the sum of the embedding and all branches. With the deviation of each token at
the last LayerNorm held at this picture's value, the rest of LayerNorm, the mean over tokens and the classifier are
linear, so the logit is a sum of one part per writer and a constant, exactly.
""")
