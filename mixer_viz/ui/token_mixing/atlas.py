"""The unit atlas: what is chosen for it, and the pictures of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import streamlit as st

from mixer_viz.analysis.token_mixing.weights import MixingWeights, UnitOrder, Units, unit_order, units_of
from mixer_viz.figures.grid import Grid
from mixer_viz.figures.token_mixing.maps import ATLAS_WIDTH, HALF_WIDTH, PARTS, AtlasPart, Part, atlas_grid
from mixer_viz.language import Noted, mark, noted, tr
from mixer_viz.ui.beside import NOTHING, is_alone, model_beside, moment_beside, pick_beside, said_name
from mixer_viz.ui.choices import Choice, ChosenModel
from mixer_viz.ui.token_mixing import results
from mixer_viz.ui.widgets.contents import folded
from mixer_viz.ui.widgets.selection import option_buttons

ORDERS: dict[str, UnitOrder] = {
    mark("Opposing pairs"): "pairs",
    mark("Frequency"): "frequency",
    mark("Radius"): "locality",
    mark("Length"): "norm",
    mark("Effect on this picture"): "effect",
    mark("Number"): "index",
}
SCALES = {mark("Each unit"): "unit", mark("This block"): "block", mark("All blocks"): "all"}
SHOWN = {"W₁": "w1", "W₂": "w2", mark("Both"): "both"}
_ORDERS_IN_WORDS = {
    "Opposing pairs": noted("opposing pairs"),
    "Frequency": noted("frequency"),
    "Radius": noted("radius"),
    "Length": noted("length"),
    "Effect on this picture": noted("effect on this picture"),
    "Number": noted("number{order}", order=""),
}
_COLOURS = {
    "Each unit": noted("each unit on its own scale"),
    "This block": noted("one scale for this block"),
    "All blocks": noted("one scale for all blocks"),
}


@dataclasses.dataclass(frozen=True)
class Atlas:
    """What to draw: one block of the chosen model, and the same block of another network where one is chosen."""

    block: int
    order_name: str
    parts: tuple[AtlasPart, ...]
    width: int  # CSS pixels of each
    caption: Noted  # for print
    missing: str = ""  # why the network to compare with is not there


@dataclasses.dataclass(frozen=True)
class _Network:
    name: str
    blocks: tuple[MixingWeights, ...]
    units: Units
    order: np.ndarray


def pick_atlas(choice: Choice, block: int) -> Atlas:
    """Draw the widgets and make the atlas that they ask for."""
    left, right = st.columns([2.7, 1], gap="medium")
    with left:
        order_name = option_buttons(tr("Sorted by"), ORDERS, "order")
    with right:
        shown = option_buttons(tr("Show"), SHOWN, "show_weights")
    with folded(noted("Colour scale, and another network beside this one")):
        scale = option_buttons(tr("One colour scale for"), SCALES, "scale")
        beside = pick_beside(choice, 420)
        if is_alone(choice):
            st.caption(tr("There is no other network on this computer to compare with."))
    own = _network(choice, choice.model.title, results.weights_of(choice.model), block, ORDERS[order_name])
    networks, missing = [own], ""
    if beside != NOTHING:
        other = _weights_beside(choice, beside)
        if block < len(other):
            is_moment = moment_beside(choice, beside) is not None
            networks.append(_beside(own, said_name(choice, beside), other, block, ORDERS[order_name], is_moment))
        else:
            missing = tr(
                "{network} has {count} blocks only, so there is no block {block} to show beside this one.",
                network=said_name(choice, beside),
                count=len(other),
                block=block + 1,
            )
    parts = tuple(_atlas_part(part, network, networks, block, scale) for network in networks for part in PARTS[shown])
    caption = _caption(choice, block, [each.name for each in networks[1:]], order_name, scale)
    return Atlas(block, order_name, parts, ATLAS_WIDTH if len(parts) == 1 else HALF_WIDTH, caption, missing)


def _caption(choice: Choice, block: int, beside: Sequence[str], order_name: str, scale: str) -> Noted:
    """Noted, as a figure for print is drawn in English where no font has the letters of the visitor's language."""
    said: dict[str, str | int] = {
        "block": block + 1,
        "model": choice.model.shown_title,
        "order": _ORDERS_IN_WORDS[order_name],
        "colours": _COLOURS[scale],
    }
    if beside:
        return noted(
            "Hidden units of token mixing, block {block} of {model} and of {other}; order: {order}; {colours}.",
            other=beside[0],
            **said,
        )
    return noted("Hidden units of token mixing, block {block} of {model}; order: {order}; {colours}.", **said)


def _weights_beside(choice: Choice, name: str) -> tuple[MixingWeights, ...]:
    if moment_beside(choice, name) is not None:
        return results.snapshot_weights(choice.model.key, name)
    return results.weights_of(model_beside(name))


def plain_atlas(model: ChosenModel, block: int) -> Grid:
    """W₁ of one block by opposing pairs, each unit on its own scale, at half the page's width."""
    weights, units = results.weights_of(model), results.units_of(model, block)
    network = _Network(model.title, weights, units, unit_order(units, "pairs"))
    part = _atlas_part("W₁", network, [network], block, "Each unit")
    title = noted("W₁ of block {block}, what each unit reads", block=block + 1)
    return atlas_grid(dataclasses.replace(part, title=title), HALF_WIDTH, True)


def _network(choice: Choice, name: str, blocks: tuple[MixingWeights, ...], block: int, order: UnitOrder) -> _Network:
    units = results.units_of(choice.model, block)
    effect = results.on_picture(choice, block).effects if order == "effect" else None
    return _Network(name, blocks, units, unit_order(units, order, effect))


def _beside(
    own: _Network, name: str, blocks: tuple[MixingWeights, ...], block: int, order: UnitOrder, same_units: bool
) -> _Network:
    """The other network; a snapshot keeps the units' places, another model is sorted by the same rule."""
    units = units_of(blocks[block])
    # How much a unit of another model does on this picture was not computed.
    rule: UnitOrder = "norm" if order == "effect" else order
    return _Network(name, blocks, units, own.order if same_units else unit_order(units, rule))


def _atlas_part(part: Part, network: _Network, networks: list[_Network], block: int, scale: str) -> AtlasPart:
    weights = network.blocks[block]
    rows = weights.w1 if part == "W₁" else weights.w2.T
    limit = None
    if scale != "Each unit":
        chosen = [
            each for item in networks for each in (item.blocks if scale == "All blocks" else [item.blocks[block]])
        ]
        limit = max(float(np.abs(each.w1 if part == "W₁" else each.w2).max()) for each in chosen)
    title = noted("W₁, what each unit reads") if part == "W₁" else noted("W₂, where it writes")
    if len(networks) > 1:
        title = noted("{title}, {network}", title=title, network=network.name)
    captions = _captions(network.units)
    return AtlasPart(title, part, rows.reshape(-1, *weights.grid), network.order, captions, limit)


def _captions(units: Units) -> list[str]:
    measures = zip(
        units.frequency, units.locality, units.norm1, units.norm2, units.partner, units.partner_cosine, strict=True
    )
    paired = tr(
        "unit {unit}: frequency {frequency:.3f}, radius {radius:.2f}, length {first:.3g} and {second:.3g}, "
        "partner {partner} (cosine {cosine:+.2f})"
    )
    alone = tr(
        "unit {unit}: frequency {frequency:.3f}, radius {radius:.2f}, length {first:.3g} and {second:.3g}, no partner"
    )
    return [
        (paired if partner >= 0 else alone).format(
            unit=unit,
            frequency=frequency,
            radius=radius,
            first=first,
            second=second,
            partner=partner,
            cosine=cosine,
        )
        for unit, (frequency, radius, first, second, partner, cosine) in enumerate(measures)
    ]
