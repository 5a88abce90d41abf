"""The table of attribution methods: what each one answers, takes and costs, for a Mixer of a given config."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mixer_viz.analysis.attribution_methods import Method, Parameter, Passes
from mixer_viz.analysis.attribution_result import Value
from mixer_viz.model import MixerConfig

_STEPS = Parameter("steps", "Steps along the way", 50, 1, 1000)


def methods_for(config: MixerConfig) -> dict[str, Method]:
    """Name -> method, in the order in which to offer them, with the limits and defaults for this config."""
    rows = [*_gradients(), *_paths(), *_ablations(config), *_shapley(config), *_tokens(config)]
    return {row.name: row for row in rows}


def method_for(config: MixerConfig, name: str) -> Method:
    """The row of one method; raises ValueError for a name that is not in the table."""
    table = methods_for(config)
    if name not in table:
        raise ValueError(f"method={name!r} must be one of {', '.join(table)}")
    return table[name]


def num_groups(config: MixerConfig, group: int) -> int:
    """How many squares of `group` x `group` patches cover the grid; those at the right and lower edge may be cut."""
    return int(-(-config.grid_size // group)) ** 2


def num_windows(config: MixerConfig, window: int, stride: int) -> int:
    """Positions of a square window of `window` pixels moved by `stride`; the last in a row may be cut by the edge."""
    return int(-(-(config.image_size - window) // stride) + 1) ** 2


def _gradients() -> list[Method]:
    return [
        Method(
            name="saliency",
            title="Gradient (saliency)",
            answers="How fast does the logit rise with each pixel's value, right at this image?",
            passes=_fixed(forward=2, backward=1),
            in_logits=False,
            needs_baseline=False,
        ),
        Method(
            name="input_x_gradient",
            title="Input × gradient",
            answers="How much of the logit would each pixel carry if the network were linear around this image?",
            passes=_fixed(forward=2, backward=1),
            needs_baseline=False,
        ),
        Method(
            name="smooth_grad",
            title="SmoothGrad",
            answers="What is the gradient on average over noisy copies of this image?",
            passes=_each("samples", extra=1),
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
            passes=_each("steps", extra=2),
            parameters=(_STEPS,),
            law="difference",
        ),
        Method(
            name="gradient_shap",
            title="Gradient SHAP",
            answers="How much does each pixel add to the logit at random points of the way from the baseline?",
            passes=_each("samples", extra=2),
            parameters=(
                Parameter("samples", "Random points of the way", 25, 1, 1000),
                Parameter("noise", "Noise on the image, as a share of its range", 0.0, 0.0, 1.0),
            ),
            law="difference",
            draws=True,
        ),
        Method(
            name="deep_lift",
            title="DeepLIFT",
            answers="How much of the difference from the baseline's logit comes through each pixel?",
            passes=_fixed(forward=4, backward=2),
            parameters=(Parameter("rules", "Rules for GELU and LayerNorm", "rescale", choices=("rescale", "captum")),),
            law="difference",
        ),
    ]


def _ablations(config: MixerConfig) -> list[Method]:
    side, whole = config.patch_size, config.image_size

    def passes(values: Mapping[str, Value]) -> Passes:
        return Passes(num_windows(config, int(values["window"]), int(values["stride"])) + 3, 0)

    def check(values: Mapping[str, Value]) -> None:
        if int(values["stride"]) > int(values["window"]):
            raise ValueError(
                f"stride={values['stride']} is more than window={values['window']}: pixels would be missed"
            )

    return [
        Method(
            name="occlusion",
            title="Occlusion",
            answers="How far does the logit fall when a window of the image is replaced by the baseline?",
            passes=passes,
            parameters=(
                Parameter("window", "Side of the window, in pixels", min(2 * side, whole), 1, whole),
                Parameter("stride", "Step of the window, in pixels", side, 1, whole),
            ),
            needs_gradient=False,
            check_together=check,
        ),
        Method(
            name="patch_ablation",
            title="Patch ablation",
            answers="How far does the logit fall when one patch alone is replaced by the baseline?",
            passes=_fixed(forward=config.num_patches + 3, backward=0),
            needs_gradient=False,
        ),
    ]


def _shapley(config: MixerConfig) -> list[Method]:
    most = max(1, config.grid_size - 1)  # two groups or more, else there is nothing to share out
    coarse = min(2, most)

    def ordered(values: Mapping[str, Value]) -> Passes:
        return Passes(int(values["samples"]) * num_groups(config, int(values["group"])) + 3, 0)

    def check(values: Mapping[str, Value]) -> None:
        groups = num_groups(config, int(values["group"]))
        if groups < 2:
            raise ValueError("kernel_shap needs at least two groups of patches, this Mixer has one patch")
        if int(values["samples"]) < groups + 2:
            raise ValueError(f"samples={values['samples']} is too few for {groups} groups: at least {groups + 2}")

    return [
        Method(
            name="shapley_sampling",
            title="Shapley values, sampled",
            answers="What does each patch add to the logit on average, over random orders of putting the patches in?",
            passes=ordered,
            parameters=(
                Parameter("samples", "Random orders", 10, 1, 500),
                Parameter("group", "Side of a group, in patches", 1, 1, most),
            ),
            law="difference",
            needs_gradient=False,
            draws=True,
        ),
        Method(
            name="kernel_shap",
            title="Kernel SHAP",
            answers="Which share for each group of patches fits the logits of random sets of groups best?",
            passes=_each("samples", extra=3, with_backward=False),
            parameters=(
                Parameter("samples", "Random sets", max(200, 4 * num_groups(config, coarse)), 4, 20_000),
                Parameter("group", "Side of a group, in patches", coarse, 1, most),
            ),
            law="difference",
            needs_gradient=False,
            draws=True,
            check_together=check,
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
            passes=_fixed(forward=2, backward=1),
            parameters=(block,),
            in_logits=False,
            at_pixels=False,
            needs_baseline=False,
        ),
        Method(
            name="layer_integrated_gradients",
            title="Layer integrated gradients",
            answers="How much does each token of one block add to the logit on the straight way from the baseline's?",
            passes=_each("steps", extra=4),
            parameters=(block, _STEPS),
            law="difference",
            at_pixels=False,
        ),
        Method(
            name="patch_logits",
            title="Logit of each patch",
            answers="What does the head read from each final token alone, the mean of which is the logit?",
            passes=_fixed(forward=2, backward=0),
            law="score",
            at_pixels=False,
            needs_baseline=False,
            needs_gradient=False,
        ),
    ]


def _fixed(forward: int, backward: int) -> Callable[[Mapping[str, Value]], Passes]:
    return lambda values: Passes(forward, backward)


def _each(name: str, extra: int, with_backward: bool = True) -> Callable[[Mapping[str, Value]], Passes]:
    return lambda values: Passes(int(values[name]) + extra, int(values[name]) if with_backward else 0)
