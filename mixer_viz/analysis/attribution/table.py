"""The table of attribution methods: what each one answers, takes and costs, for a Mixer of a given config."""

from __future__ import annotations

from mixer_viz.analysis.attribution.methods import Method, Parameter, cost_per, fixed_cost
from mixer_viz.analysis.attribution.perturbation import ablations, shapley
from mixer_viz.model import MixerConfig

_STEPS = Parameter("steps", "Steps along the way", 50, 1, 1000)


def methods_for(config: MixerConfig) -> dict[str, Method]:
    """Name -> method, in the order in which to offer them, with the limits and defaults for this config."""
    rows = [*_gradients(), *_paths(), *ablations(config), *shapley(config), *_tokens(config)]
    return {row.name: row for row in rows}


def method_for(config: MixerConfig, name: str) -> Method:
    """The row of one method; raises ValueError for a name that is not in the table."""
    table = methods_for(config)
    if name not in table:
        raise ValueError(f"method={name!r} must be one of {', '.join(table)}")
    return table[name]


def _gradients() -> list[Method]:
    return [
        Method(
            name="saliency",
            title="Gradient (saliency)",
            answers="How fast does the logit rise with each pixel's value, right at this image?",
            passes=fixed_cost(forward=2, backward=1),
            in_logits=False,
            needs_baseline=False,
        ),
        Method(
            name="input_x_gradient",
            title="Input × gradient",
            answers="How much of the logit would each pixel carry if the network were linear around this image?",
            passes=fixed_cost(forward=2, backward=1),
            needs_baseline=False,
        ),
        Method(
            name="smooth_grad",
            title="SmoothGrad",
            answers="What is the gradient on average over noisy copies of this image?",
            passes=cost_per("samples", extra=1),
            parameters=(
                Parameter("samples", "Noisy copies", 25, 1, 500),
                Parameter("noise", "Noise, as a share of the image's range", 0.15, 0.01, 1.0),
            ),
            in_logits=False,
            needs_baseline=False,
            draws=True,
        ),
    ]


def _paths() -> list[Method]:
    return [
        Method(
            name="integrated_gradients",
            title="Integrated gradients",
            answers="How much does each pixel add to the logit on the straight way from the baseline to this image?",
            passes=cost_per("steps", extra=2),
            parameters=(_STEPS,),
            law="difference",
        ),
        Method(
            name="gradient_shap",
            title="Gradient SHAP",
            answers="How much does each pixel add to the logit at random points of the way from the baseline?",
            passes=cost_per("samples", extra=2),
            parameters=(
                # Bundled model, photos: 25 miss 28 % of the sum at the median, 100 miss 13 %, 400 miss 5 %.
                Parameter("samples", "Random points of the way", 100, 1, 1000),
                Parameter("noise", "Noise on the image, as a share of its range", 0.0, 0.0, 1.0),
            ),
            law="difference",
            draws=True,
        ),
        Method(
            name="deep_lift",
            title="DeepLIFT",
            answers="How much of the difference from the baseline's logit comes through each pixel?",
            passes=fixed_cost(forward=4, backward=2),
            parameters=(Parameter("rules", "Rules for GELU and LayerNorm", "rescale", choices=("rescale", "captum")),),
            law="difference",
        ),
    ]


def _tokens(config: MixerConfig) -> list[Method]:
    last = config.num_blocks - 1
    block = Parameter("block", "Block, counted from 0", last, 0, last)
    return [
        Method(
            name="grad_cam",
            title="Grad-CAM",
            answers="Where are the channels large that raise the logit on average over one block's tokens?",
            passes=fixed_cost(forward=2, backward=1),
            parameters=(block,),
            in_logits=False,
            at_pixels=False,
            needs_baseline=False,
        ),
        Method(
            name="layer_integrated_gradients",
            title="Layer integrated gradients",
            answers="How much does each token of one block add to the logit on the straight way from the baseline's?",
            passes=cost_per("steps", extra=4),
            parameters=(block, _STEPS),
            law="difference",
            at_pixels=False,
        ),
        Method(
            name="patch_logits",
            title="Logit of each patch",
            answers="What does the head read from each final token alone, the mean of which is the logit?",
            passes=fixed_cost(forward=2, backward=0),
            law="score",
            at_pixels=False,
            needs_baseline=False,
            needs_gradient=False,
            exact=True,
        ),
    ]
