"""Sections of the token-mixing page: one unit in detail, who talks to whom, depth, and the convolution meter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from mixer_viz.analysis.spectrum import power_spectrum
from mixer_viz.analysis.token_mixing.convolution import ConvolutionMeter, explained_shares
from mixer_viz.analysis.token_mixing.jacobian import JacobianRows
from mixer_viz.analysis.token_mixing.mixing_matrix import distance_profile, linear_mixing
from mixer_viz.analysis.token_mixing.opposing_pairs import OPPOSING_COSINE
from mixer_viz.figures import common
from mixer_viz.figures.grid import Grid
from mixer_viz.figures.token_mixing import charts, matrices
from mixer_viz.figures.token_mixing import maps as figures
from mixer_viz.language import noted, tr
from mixer_viz.texts import token_mixing as texts
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.speed import BACKWARD, is_wanted, pass_seconds
from mixer_viz.ui.grid_panel import show_chart, show_grids
from mixer_viz.ui.token_mixing import results
from mixer_viz.ui.widgets.contents import section
from mixer_viz.ui.widgets.selection import select_token, switch

NUM_PHOTOS = 5
_WIDTH = 218  # of one map; four stand side by side on a wide screen


def unit_maps(choice: Choice, block: int, unit: int) -> None:
    """W1 map, W2 map, partner and spectrum of one unit."""
    weights = results.weights_of(choice.model)[block]
    units = results.units_of(choice.model, block)
    reads, writes = weights.w1.reshape(-1, *weights.grid), weights.w2.T.reshape(-1, *weights.grid)
    notes = [tr("length {length:.3g}", length=each[unit]) for each in (units.norm1, units.norm2)]
    grids = [
        figures.unit_map(reads[unit], title=tr("Unit {unit} reads (W₁)", unit=unit), part="W₁", note=notes[0]),
        figures.unit_map(writes[unit], title=tr("It writes (W₂)"), part="W₂", note=notes[1]),
    ]
    partner = int(units.partner[unit])
    if partner >= 0:
        cosine = float(units.partner_cosine[unit])
        grids.append(figures.partner_map(reads[partner], partner, cosine, cosine <= OPPOSING_COSINE))
    grids.append(figures.spectrum_map(power_spectrum(reads[unit]), float(units.frequency[unit])))
    show_grids(grids, key="unit-maps", on_pick=select_token, hint=tr("Hover reads each weight."))


def unit_on_picture(choice: Choice, block: int, unit: int) -> None:
    """What one unit does on the current picture, measured by running the Mixer with the unit scaled."""
    passes = len(results.FACTORS) + 1 + BACKWARD  # the last two for its first-order effect
    key = (choice.model.key, choice.picture.key)  # not the unit: whoever asked will look at several
    if not is_wanted(tr("What it does on this picture"), passes * pass_seconds(choice.model), "unit_wanted", *key):
        return
    result = results.on_picture(choice, block)
    show_grids([figures.activation_strip(result.activations[:, unit], unit)], key="activation")
    probabilities = results.with_unit_scaled(choice, block, unit)
    before = probabilities[results.FACTORS.index(1.0)]
    top = np.argsort(-before, kind="stable")[:5].tolist()
    names = choice.model.all_shown_class_names()
    numbers, answers = st.columns([1, 1.15], gap="medium")
    with numbers:
        weights = results.weights_of(choice.model)[block]
        units = results.units_of(choice.model, block)
        bias, effect = float(weights.b1[unit]), float(result.effects[unit])
        opposite = results.opposites_of(choice.model, block)[unit]
        st.table(texts.unit_table(units, unit, opposite, bias, effect, names[top[0]]))
    with answers:
        st.markdown(tr("**The answer with this unit switched off, or amplified**"))
        st.table(texts.scaled_table(names, probabilities, results.FACTORS, top))
        st.caption(texts.largest_change(probabilities, results.FACTORS, names))


def jacobian_grids(choice: Choice, listening: JacobianRows) -> list[Grid]:
    """The crop to click on, and three kinds of map: what the patch reads above, what is read from it below."""
    crop = cached.crop_of(choice)
    maps = [
        (tr("Reads, W₂W₁"), "mixing", listening.static_in),
        (tr("Is read by, W₂W₁"), "mixing", listening.static_out),
        (tr("Reads, on this picture"), "jacobian", listening.image_in),
        (tr("Is read by, on this picture"), "jacobian", listening.image_out),
        (tr("Reads, in norm"), "jacobian norm", listening.norm_in),
        (tr("Is read by, in norm"), "jacobian norm", listening.norm_out),
    ]
    grids = figures.jacobian_grids(crop, listening.token, maps, _WIDTH)
    size = choice.model.config.grid_shape
    title = tr("Patch {patch}", patch=listening.token)
    return [common.patch_grid(crop, size, title=title, width=_WIDTH), *grids]


def receptive_field(choice: Choice, token: int) -> None:
    """From where in the picture the token's features come, stage by stage."""
    st.markdown(tr("**Where its features come from** — the effective receptive field, growing from block to block"))
    averaged = switch(tr("Average over five sample photos"), "average")
    # A backward pass from every block, through half of them on average.
    passes = choice.model.config.num_blocks * (1 + BACKWARD) / 2 * (NUM_PHOTOS if averaged else 1)
    seconds = passes * pass_seconds(choice.model)
    key = (choice.model.key, choice.picture.key, averaged)  # not the patch: whoever asked will look at several
    if not is_wanted(tr("The receptive field"), seconds, "field_shown", *key):
        return
    field = results.receptive_field_of(choice, token, averaged)
    stages = field_stages(len(field.maps))
    maps, chart = st.columns([1, 2.2], gap="medium")
    with maps:
        grid = figures.field_grid(cached.crop_of(choice), field.maps, texts.field_notes(field.area))
        show_grids([grid], key="field", on_pick=select_token, frames=stages, frame=len(stages) - 1)
    with chart:
        figure = charts.area_chart(field.area)
        show_chart(figure, key="areas", alt=tr("Share of all patches that holds the gradient, by block."))


def field_stages(count: int) -> list[str]:
    """Names of the `count` stages of a receptive field."""
    return [tr("embedding"), *(tr("after block {block}", block=block) for block in range(1, count))]


def through_depth(choice: Choice, block: int) -> None:
    """What changes from the first block to the last, beside the start of training."""
    section(noted("Through the blocks"))
    depth = results.depth_of(choice.model)
    trained, start = depth.trained, depth.start
    curves = {
        tr("frequency, cycles per patch"): (trained.frequency_mean, None, start.frequency_mean),
        tr("radius, patches"): (trained.locality_mean, None, start.locality_mean),
        tr("length (Frobenius norm)"): (trained.norm1, trained.norm2, start.norm1),
        tr("effective rank"): (trained.effective_rank1, trained.effective_rank2, start.effective_rank1),
    }
    show_chart(charts.depth_chart(curves, block), key="depth", alt=tr("Measures of the units by block."))
    st.caption(texts.depth_note(depth.start_is_real))
    values, distances = st.columns(2, gap="medium")
    with values:
        st.markdown(tr("**Singular values, block {block}**", block=block + 1))
        figure = charts.singular_value_chart(
            trained.singular_values1[block], trained.singular_values2[block], start.singular_values1[block]
        )
        show_chart(figure, key="singular", alt=tr("Singular values of W₁ and W₂."))
    with distances:
        st.markdown(tr("**Mixing by distance, block {block}**", block=block + 1))
        weights = results.weights_of(choice.model)[block]
        profile = distance_profile(linear_mixing(weights), weights.grid)
        figure = charts.distance_chart(profile.distance, {"W₂W₁": profile.magnitude}, profile.count)
        show_chart(figure, key="distance", alt=tr("Mean magnitude of W₂W₁ by distance in patches."))
        st.caption(texts.pairs_note(profile.distance, profile.count))


def convolution_meter(choice: Choice, block: int) -> None:
    """How much of each block's mixing a convolution, a shift or the identity would do."""
    section(noted("Is it a convolution?"))
    meters = results.meters_of(choice.model)
    show_meters(meters, block, key="own")
    meter = meters[block]
    matrix = linear_mixing(results.weights_of(choice.model)[block])
    grids = matrices.convolution_grids(matrix, meter.kernel, meter.residual, meter.explained)
    show_grids(grids, key="convolution", on_pick=select_token, hint=tr("Click a row to select its patch."))


def show_meters(meters: Sequence[ConvolutionMeter], block: int, key: str, matrix: str = "$M = W_2 W_1$") -> None:
    """The chart of the convolution meter with its caption."""
    shares, nulls = explained_shares(meters)
    figure = charts.convolution_chart(shares, nulls, block)
    show_chart(figure, key=f"meter-{key}", alt=tr("Share of the mixing matrix explained, by block."))
    st.caption(texts.convolution_note(dict(zip(shares, nulls, strict=True)), matrix))
