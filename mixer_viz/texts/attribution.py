"""The texts of the Attributions page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mixer_viz.analysis.attribution.deletion import patch_order
from mixer_viz.analysis.attribution.result import Attribution
from mixer_viz.language import mark, tr

LARGE_GAP = 0.1  # of what the values should add up to
# The mean colour comes first: networks often have a firm answer to black.
BASELINE_NAMES = {"mean": mark("Mean colour"), "black": mark("Black"), "blur": mark("Blurred"), "noise": mark("Noise")}
_FIRM = 0.5  # probability of the target from which a baseline says much about it already
_BASELINE_WORDS = {
    "black": mark("plain black"),
    "mean": mark("the picture's mean colour"),
    "blur": mark("the blurred picture"),
    "noise": mark("random colours"),
}
BFLOAT16 = mark("Compute in bfloat16: faster on some processors, less exact (correlation with float32 0.98 to 1)")

IN_WORDS = mark(
    "Which patches does the answer rest on? Each map gives every patch a value with its sign: red speaks for the "
    "class, blue against it. Methods answer different questions, so they stand side by side, and below you see how far "
    "each can be trusted."
)
PIXEL_NOTE = mark(
    "Methods that see whole patches have their value spread evenly over the patch's pixels, so they look pale beside "
    "methods with a value of its own for every pixel. Colours end at the 99.5th percentile."
)
DELETION = mark(
    "Remove the patches the map ranks highest, and the same number at random. If the map names what the network uses, "
    "the answer falls sooner than at random."
)
DOES_NOT_SAY = {
    "saliency": mark("It does not say how much of the logit comes from a pixel, only how steep the logit is there."),
    "input_x_gradient": mark("It does not hold where the network is curved: the values need not add up to anything."),
    "smooth_grad": mark("It does not say how large a share is, and the noise decides how fine the map is."),
    "integrated_gradients": mark(
        "It does not say what happens off the straight line from the baseline; another baseline gives another map."
    ),
    "gradient_shap": mark("It does not say more than its random points: few of them leave a large gap."),
    "deep_lift": mark(
        "It does not fix how products, as in LayerNorm, are shared out: ours take secants, other rules give other maps."
    ),
    "occlusion": mark("It does not tell neighbours apart that lie in one window, nor what two windows do together."),
    "patch_ablation": mark(
        "It does not see what patches do together: two that can stand in for each other both get little."
    ),
    "shapley_sampling": mark(
        "It does not give the same map for every seed: few orders leave noise, and most sets of patches look like no "
        "photo."
    ),
    "kernel_shap": mark("It does not tell the patches of one group apart, and few random sets leave noise."),
    "grad_cam": mark(
        "It does not say where in the picture a token's content came from: every block has mixed the patches. "
        "What speaks against the class is kept here; the original leaves it out."
    ),
    "layer_integrated_gradients": mark(
        "It does not speak of patches of the picture but of tokens, which hold a mix of patches by then."
    ),
    "patch_logits": mark(
        "It does not say which patch of the picture the evidence came from: final tokens hold a mix of all patches."
    ),
}
# Parameters and baselines in captions, for the catalogues.
_PARAMETERS = (mark("steps"), mark("samples"), mark("rules"), mark("window"), mark("stride"), mark("group"))
_OTHERS = (mark("block"), mark("noise"), mark("mean"), mark("black"), mark("blur"))


def sum_note(result: Attribution) -> str:
    """What the values add up to, and what they should."""
    if not result.in_logits:
        return tr("not in logits, a scale of its own")
    if result.expected is None:
        return tr("sum {total:+.3f}", total=result.total)
    return tr("sum {total:+.3f} of {expected:+.3f}", total=result.total, expected=result.expected)


def warnings_of(result: Attribution) -> list[str]:
    """What a reader must know before looking at the map; mostly nothing."""
    if result.near_zero:
        return [
            tr(
                "This map is zero, or next to it: the colours show rounding, not evidence. A network whose head was "
                "never trained answers so."
            )
        ]
    gap = result.relative_gap
    if gap is None or gap <= LARGE_GAP:
        return []
    much = abs(result.total) > abs(result.expected or 0.0)
    many = tr("{share:.0f} % too much", share=100 * gap) if much else tr("{share:.0f} % too little", share=100 * gap)
    many = tr("far off") if gap > 1 else many
    ways = {"steps": tr("more steps"), "samples": tr("more samples")}
    remedy = next((words for name, words in ways.items() if name in result.parameters), tr("another baseline"))
    return [
        tr(
            "The values add up to {total:+.2f} and should to {expected:+.2f}: {many}. Try {remedy} before you trust "
            "it.",
            total=result.total,
            expected=result.expected,
            many=many,
            remedy=remedy,
        )
    ]


def against_sentence(score: str) -> str:
    """What the logit stands for where one class is explained against another."""
    return tr("In all that follows, “the logit” is the {score}.", score=score)


def scores_sentence(score: str, picture: float, baseline: float) -> str:
    """What methods with a baseline share out."""
    return tr(
        "The {score} is {picture:+.3f} for the picture and {baseline:+.3f} for the baseline; methods that compare the "
        "two share out the difference, {difference:+.3f}.",
        score=score,
        picture=picture,
        baseline=baseline,
        difference=picture - baseline,
    )


def baseline_sentence(baseline: str, best: str, best_probability: float, name: str, probability: float) -> str:
    """What the network makes of the baseline alone, which every map with a baseline compares with."""
    said: dict[str, Any] = {"baseline": tr(_BASELINE_WORDS[baseline]), "best": best, "share": 100 * best_probability}
    if best == name:
        text = tr("The baseline alone, {baseline}: the network says **{best}**, {share:.0f} %.", **said)
    else:
        text = tr(
            "The baseline alone, {baseline}: the network says **{best}**, {share:.0f} %; {name} {other:.0f} %.",
            name=name,
            other=100 * probability,
            **said,
        )
    if probability < _FIRM:
        return text
    return tr(
        "{text} It takes “nothing” for {name} already, so maps against it cannot show what makes one: try another.",
        text=text,
        name=name,
    )


def deleted_sentence(score: str, token: int, baseline: str, before: float, after: float) -> str:
    """What the real pass without one patch says."""
    said: dict[str, Any] = {"score": score, "token": token, "baseline": tr(_BASELINE_WORDS[baseline])}
    said |= {"before": before, "after": after, "change": abs(before - after)}
    if after < before:
        return tr(
            "With patch {token} replaced by {baseline}, the {score} goes from {before:.3f} to {after:.3f}: it falls "
            "by {change:.3f}. This is a real pass; the maps say:",
            **said,
        )
    return tr(
        "With patch {token} replaced by {baseline}, the {score} goes from {before:.3f} to {after:.3f}: it rises by "
        "{change:.3f}. This is a real pass; the maps say:",
        **said,
    )


def patch_table(results: Mapping[str, Attribution], token: int) -> dict[str, list[str]]:
    """Value and place of one patch in each map, as columns of a table."""
    places = [int(np.flatnonzero(patch_order(each.patch_map) == token)[0]) + 1 for each in results.values()]
    return {
        tr("map"): list(results),
        tr("value of this patch"): [_value(each, token) for each in results.values()],
        tr("place, most positive first"): [
            tr("{place} of {count}", place=place, count=each.patch_map.size)
            for place, each in zip(places, results.values(), strict=True)
        ],
    }


def _value(result: Attribution, token: int) -> str:
    value = result.patch_map[token]
    return f"{value:+.3f}" if result.in_logits else tr("{value:+.2e} (not in logits)", value=value)


def deletion_sentence(name: str, title: str, count: int, answers: np.ndarray) -> str:
    """Probabilities (2 + R,) of the class: as it is, by the map, at random."""
    return tr(
        "**{name}** goes from {before:.1f} % to **{by_map:.1f} %** without the first {count} patches of {title}, and "
        "to {mean:.1f} % ({least:.1f} to {most:.1f} %) without {count} at random.",
        name=name,
        before=100 * answers[0],
        by_map=100 * answers[1],
        count=count,
        title=title,
        **_spread(100 * answers[2:]),
    )


def deletion_scores_sentence(score: str, scores: np.ndarray) -> str:
    """Scores (2 + R,): as it is, by the map, at random, where one class is explained against another."""
    return tr(
        "The {score} goes from {before:+.2f} to **{by_map:+.2f}**, and to {mean:+.2f} ({least:+.2f} to {most:+.2f}) at "
        "random.",
        score=score,
        before=scores[0],
        by_map=scores[1],
        **_spread(scores[2:]),
    )


def _spread(random: np.ndarray) -> dict[str, float]:
    return {"mean": random.mean(), "least": random.min(), "most": random.max()}


def settings_of(result: Attribution) -> dict[str, Any]:
    """Everything that one needs to compute a map again, and what it adds up to, as plain values."""
    return {
        "method": result.method,
        "target": result.target,
        "against": result.against,
        "baseline": result.baseline,
        "seed": result.seed,
        "precision": result.precision,
        "parameters": dict(result.parameters),
        "score": result.score,
        "baseline_score": result.baseline_score,
        "total": result.total,
        "expected": result.expected,
        "in_logits": result.in_logits,
    }


def print_caption(result: Attribution) -> str:
    """Settings of a map in a few words, for print."""
    parts = [f"{tr(name)} {value}" for name, value in result.parameters.items()]
    if result.baseline:
        parts.append(tr("baseline {name}", name=tr(result.baseline)))
    if result.precision != "float32":
        parts.append(result.precision)
    return tr(", ").join(parts) or tr("no parameters")


EQUATION = mark(r"""
$f$ is the score: the logit $z_k$ of the class, or $z_k - z_j$ against another one; $x$ the picture, $x'$ the baseline.

**Exact per patch:** the mean over tokens comes before the linear head $h$, so with the final tokens $t_s$:

$$z_k = \frac{1}{S} \sum_{s} h_k(\text{LayerNorm}(t_s))$$

**Integrated gradients** (Sundararajan et al. 2017), a sum over all pixels that closes to $f(x) - f(x')$:

$$a_i = (x_i - x'_i) \int_0^1 \frac{\partial f}{\partial x_i}\big(x' + \alpha (x - x')\big)\, d\alpha$$

**Patch ablation:** $a_s = f(x) - f(x \text{ with patch } s \text{ from } x')$. **Shapley value** of a patch: the mean
of that change over all orders in which the patches could come in (Lundberg and Lee 2017). **Saliency:**
$\partial f / \partial x_i$ (Simonyan et al. 2014). **Grad-CAM:** tokens weighted by the mean gradient of their channels
(Selvaraju et al. 2017). **DeepLIFT:** Shrikumar et al. 2017. **SmoothGrad:** Smilkov et al. 2017. **Occlusion:** Zeiler
and Fergus 2014. **Deletion and insertion:** Petsiuk et al. 2018.
""")

LIMITS = mark("""
- A map shows what changes this network's score, not why an object is what it is, and not that the network is right.
- There is no neutral baseline: black is a colour, too. Try another one; what stays is sturdier.
- After the first block every token holds something of every patch. Maps of tokens (Grad-CAM, logits of patches, layer
  integrated gradients) tell where the evidence ends up, those of pixels where it comes from.
- Pictures with deleted patches are unlike the training data. A large change may be surprise at the holes.
- Rank correlations of a few draws are rough, and a map can pass every check here and still mislead.
""")
