"""Two networks beside each other, in words: what can be compared, and what cannot."""

from __future__ import annotations

from collections.abc import Sequence

from mixer_viz.model import MixerConfig
from mixer_viz.model.wording import by, in_pixels
from mixer_viz.texts.from_files import literal

_NAMED = 8  # classes that both know


def what_compares(own: str, other: str, config: MixerConfig, beside: MixerConfig) -> list[str]:
    """Where two networks differ in what they see and say, a sentence each; titles are for Markdown."""
    sentences = []
    if config.image_shape != beside.image_shape:
        sentences.append(
            f"{other} sees the picture in {in_pixels(beside.image_shape)}, {own} in {in_pixels(config.image_shape)}."
        )
    if config.grid_shape != beside.grid_shape:
        sentences.append(
            f"{other} has {by(beside.grid_shape)} patches and {own} {by(config.grid_shape)}: maps can be compared by "
            "their places in the picture, not patch by patch."
        )
    if config.class_names is None or beside.class_names is None:
        sentences.append("A network here does not name its classes, so the answers cannot be compared by name.")
    elif set(config.class_names) != set(beside.class_names):
        sentences.append(_other_classes(own, other, config.class_names, beside.class_names))
    return sentences


def _other_classes(own: str, other: str, names: Sequence[str], beside: Sequence[str]) -> str:
    both = [name for name in names if name in set(beside)]
    chosen = f"{other} chooses among {len(beside):,} classes and {own} among {len(names):,}"
    if not both:
        return f"{chosen}, none of them the same: their probabilities cannot be compared."
    if len(both) > _NAMED:
        return f"{chosen}; {len(both):,} are the same. A probability is a share among a network's own classes alone."
    listed = ", ".join(literal(name) for name in both)
    return f"{chosen}; the same are: {listed}. A probability is a share among a network's own classes alone."


def answers_compared(own: str, other: str, answer: str, beside: str) -> str:
    """What both networks answer; all for Markdown."""
    if answer == beside:
        return f"Both networks answer **{answer}**."
    return f"{own} answers **{answer}**, {other} **{beside}**."


def same_depth(other: str, layer: int, blocks: int, beside_layer: int, beside_blocks: int) -> str:
    """Which layer of a network with another number of blocks stands for the selected one; empty for as many blocks."""
    if blocks == beside_blocks:
        return ""
    return (
        f"{other} has {beside_blocks} blocks instead of {blocks}: its layer {beside_layer} lies as deep in it as "
        f"layer {layer} here."
    )


def moment_not_kept(label: str) -> str:
    """For a moment of a training of which only token mixing and filters are known."""
    return (
        f"Of the moment “{label}” only token mixing and filters were kept, so this page cannot show what that network "
        "does. The page on the learned token-mixing weights shows its units."
    )


CHANNELS = (
    "Channels are numbered by chance: the same number in two networks, or in two trainings of one, is not the same "
    "channel."
)

SAME_CHANNELS = "Both are moments of one training, so a channel has the same number in both."


def other_class(other: str, name: str, answer: str) -> str:
    """For a network that does not know the class that is explained."""
    return f"{other} has no class {name}, so its own top answer is explained: {answer}."


def no_second_class(other: str, name: str) -> str:
    """For a network that does not know the class that the explained one is compared with."""
    return f"{other} has no class {name} to compare with, so the logit itself is explained."


def scores_compared(own: str, other: str, names: tuple[str, str], scores: tuple[float, float]) -> str:
    """What the maps of both networks are about: the score of each."""
    return (
        f"In {own} the {names[0]} is **{scores[0]:+.3g}**, in {other} the {names[1]} is **{scores[1]:+.3g}**. Logits "
        "of two networks have no common unit: compare where the maps are strong, not how strong they are."
    )


def filters_compared(own: str, other: str, count: int, beside: int, side: int, beside_side: int) -> str:
    """How many filters of which size both networks have."""
    sizes = f"{own} has {count} filters of {side} × {side} pixels, {other} {beside} of {beside_side} × {beside_side}."
    return sizes if side == beside_side else f"{sizes} Cycles per pixel can be compared, lengths cannot."


UNITS = (
    "Each network at the block with most opposing pairs of units, each unit on its own scale. Units are numbered by "
    "chance: the same number in two networks is not the same unit."
)
SAME_UNITS = (
    "Both at the block with most opposing pairs of units in the finished network, each unit on its own scale. They are "
    "moments of one training, so a unit has the same number in both."
)


def rebuilt_compared(own: str, other: str, error: float, beside: float) -> str:
    """How much of the picture the tokens of both networks keep: relative errors, 0 to 1."""
    return (
        f"Rebuilt from its tokens, the picture is off by {100 * error:.2g} % in {own} and by {100 * beside:.2g} % in "
        f"{other}."
    )


def method_left_out(other: str, method: str, why: str) -> str:
    """For a method whose parameters do not fit the network beside."""
    return f"{method} is left out for {other}: {why}."
