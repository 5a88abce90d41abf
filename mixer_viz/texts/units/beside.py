"""Two networks beside each other, in words: what can be compared, and what cannot."""

from __future__ import annotations

from collections.abc import Sequence

from mixer_viz.language import mark, shown, tr
from mixer_viz.model import MixerConfig
from mixer_viz.model.wording import by, in_pixels
from mixer_viz.texts.from_files import literal
from mixer_viz.texts.names.classes import class_in_words

_NAMED = 8  # classes that both know


def what_compares(own: str, other: str, config: MixerConfig, beside: MixerConfig) -> list[str]:
    """Where two networks differ in what they see and say, a sentence each; titles are for Markdown."""
    sentences = []
    if config.image_shape != beside.image_shape:
        sentences.append(
            tr(
                "{other} sees the picture in {other_size}, {own} in {own_size}.",
                other=other,
                other_size=in_pixels(beside.image_shape),
                own=own,
                own_size=in_pixels(config.image_shape),
            )
        )
    if config.grid_shape != beside.grid_shape:
        sentences.append(
            tr(
                "{other} has {other_grid} patches and {own} {own_grid}: maps can be compared by "
                "their places in the picture, not patch by patch.",
                other=other,
                other_grid=by(beside.grid_shape),
                own=own,
                own_grid=by(config.grid_shape),
            )
        )
    if config.class_names is None or beside.class_names is None:
        sentences.append(tr("A network here does not name its classes, so the answers cannot be compared by name."))
    elif set(config.class_names) != set(beside.class_names):
        sentences.append(_other_classes(own, other, config.class_names, beside.class_names))
    return sentences


def _other_classes(own: str, other: str, names: Sequence[str], beside: Sequence[str]) -> str:
    both = [name for name in names if name in set(beside)]
    chosen: dict[str, str | int] = {"other": other, "own": own, "theirs": len(beside), "ours": len(names)}
    if not both:
        return tr(
            "{other} chooses among {theirs:,} classes and {own} among {ours:,}, none of them the same: their "
            "probabilities cannot be compared.",
            **chosen,
        )
    if len(both) > _NAMED:
        return tr(
            "{other} chooses among {theirs:,} classes and {own} among {ours:,}; {same:,} are the same. A probability "
            "is a share among a network's own classes alone.",
            **chosen,
            same=len(both),
        )
    return tr(
        "{other} chooses among {theirs:,} classes and {own} among {ours:,}; the same are: {listed}. A probability is "
        "a share among a network's own classes alone.",
        **chosen,
        listed=tr(", ").join(literal(shown(class_in_words(name))) for name in both),
    )


def answers_compared(own: str, other: str, answer: str, beside: str) -> str:
    """What both networks answer; all for Markdown."""
    if answer == beside:
        return tr("Both networks answer **{answer}**.", answer=answer)
    return tr("{own} answers **{answer}**, {other} **{beside}**.", own=own, answer=answer, other=other, beside=beside)


def same_depth(other: str, layer: int, blocks: int, beside_layer: int, beside_blocks: int) -> str:
    """Which layer of a network with another number of blocks stands for the selected one; empty for as many blocks."""
    if blocks == beside_blocks:
        return ""
    return tr(
        "{other} has {beside_blocks} blocks instead of {blocks}: its layer {beside_layer} lies as deep in it as "
        "layer {layer} here.",
        other=other,
        beside_blocks=beside_blocks,
        blocks=blocks,
        beside_layer=beside_layer,
        layer=layer,
    )


def moment_not_kept(label: str) -> str:
    """For a moment of a training of which only token mixing and filters are known."""
    return tr(
        "Of the moment “{label}” only token mixing and filters were kept, so this page cannot show what that network "
        "does. The page on the learned token-mixing weights shows its units.",
        label=label,
    )


# The sentences below that have no values are marked: `tr` says them where they are shown.
CHANNELS = mark(
    "Channels are numbered by chance: the same number in two networks, or in two trainings of one, is not the same "
    "channel."
)

SAME_CHANNELS = mark("Both are moments of one training, so a channel has the same number in both.")


def other_class(other: str, name: str, answer: str) -> str:
    """For a network that does not know the class that is explained."""
    return tr(
        "{other} has no class {name}, so its own top answer is explained: {answer}.",
        other=other,
        name=name,
        answer=answer,
    )


def no_second_class(other: str, name: str) -> str:
    """For a network that does not know the class that the explained one is compared with."""
    return tr("{other} has no class {name} to compare with, so the logit itself is explained.", other=other, name=name)


def scores_compared(own: str, other: str, names: tuple[str, str], scores: tuple[float, float]) -> str:
    """What the maps of both networks are about: the score of each."""
    return tr(
        "In {own} the {own_name} is **{own_score:+.3g}**, in {other} the {other_name} is **{other_score:+.3g}**. "
        "Logits of two networks have no common unit: compare where the maps are strong, not how strong they are.",
        own=own,
        own_name=names[0],
        own_score=scores[0],
        other=other,
        other_name=names[1],
        other_score=scores[1],
    )


def filters_compared(own: str, other: str, count: int, beside: int, side: int, beside_side: int) -> str:
    """How many filters of which size both networks have."""
    sizes = tr(
        "{own} has {count} filters of {side} × {side} pixels, {other} {beside} of {beside_side} × {beside_side}.",
        own=own,
        count=count,
        side=side,
        other=other,
        beside=beside,
        beside_side=beside_side,
    )
    if side == beside_side:
        return sizes
    return tr("{sizes} Cycles per pixel can be compared, lengths cannot.", sizes=sizes)


UNITS = mark(
    "Each network at the block with most opposing pairs of units, each unit on its own scale. Units are numbered by "
    "chance: the same number in two networks is not the same unit."
)
SAME_UNITS = mark(
    "Both at the block with most opposing pairs of units in the finished network, each unit on its own scale. They are "
    "moments of one training, so a unit has the same number in both."
)


def rebuilt_compared(own: str, other: str, error: float, beside: float) -> str:
    """How much of the picture the tokens of both networks keep: relative errors, 0 to 1."""
    return tr(
        "Rebuilt from its tokens, the picture is off by {error:.2g} % in {own} and by {beside:.2g} % in {other}.",
        error=100 * error,
        own=own,
        beside=100 * beside,
        other=other,
    )


def method_left_out(other: str, method: str, why: str) -> str:
    """For a method whose parameters do not fit the network beside."""
    return tr("{method} is left out for {other}: {why}.", method=method, other=other, why=why)
