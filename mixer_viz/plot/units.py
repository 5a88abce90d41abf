"""The pictures of the page on the learned token-mixing weights."""

from __future__ import annotations

from typing import Literal

import numpy as np
import plotly.graph_objects as go
from matplotlib.figure import Figure
from PIL import Image

from mixer_viz.analysis import receptive_field as fields
from mixer_viz.analysis.arrays import one_image, to_array
from mixer_viz.analysis.ranges import check_range
from mixer_viz.analysis.spectrum import power_spectrum
from mixer_viz.analysis.token_mixing import preferred as closed_form
from mixer_viz.analysis.token_mixing.convolution import convolution_share, explained_shares
from mixer_viz.analysis.token_mixing.depth import depth_curves, random_start
from mixer_viz.analysis.token_mixing.jacobian import jacobian_rows
from mixer_viz.analysis.token_mixing.maximise import Maximised
from mixer_viz.analysis.token_mixing.mixing_matrix import distance_profile, linear_mixing
from mixer_viz.analysis.token_mixing.opposing_pairs import OPPOSING_COSINE
from mixer_viz.analysis.token_mixing.weights import MixingWeights, UnitOrder, block_weights, unit_order, units_of
from mixer_viz.figures.print_grids import draw_grids
from mixer_viz.figures.token_mixing import charts, maps, matrices
from mixer_viz.figures.token_mixing.preferred import draw_pictures
from mixer_viz.figures.token_mixing.print import draw_atlas
from mixer_viz.images import preprocess
from mixer_viz.language import tr
from mixer_viz.model import MlpMixer, trace
from mixer_viz.plot.pictures import crop_of

Shown = Literal["W₁", "W₂", "Both"]


def atlas(model: MlpMixer, block: int, *, order: UnitOrder = "pairs", show: Shown = "W₁") -> Figure:
    """All hidden units of one block's token mixing, each on its own scale.

    Raises ValueError for a block or order that is not there.
    """
    weights = block_weights(model, block)
    units = units_of(weights)
    titles = {"W₁": tr("W₁, what each unit reads"), "W₂": tr("W₂, where it writes")}
    parts = [
        maps.AtlasPart(
            title=titles[part],
            part=part,
            maps=(weights.w1 if part == "W₁" else weights.w2.T).reshape(-1, *weights.grid),
            order=unit_order(units, order),
            captions=[tr("unit {unit}", unit=number) for number in range(len(weights.w1))],
            limit=None,
        )
        for part in maps.PARTS[show]
    ]
    caption = tr("Hidden units of token mixing, block {block}; order: {order}.", block=block + 1, order=order)
    return draw_atlas(parts, caption)


def unit(model: MlpMixer, block: int, unit: int) -> Figure:
    """One unit: what it reads, where it writes, its partner and its spectrum."""
    weights = block_weights(model, block)
    units = units_of(weights)
    reads, writes = weights.w1.reshape(-1, *weights.grid), weights.w2.T.reshape(-1, *weights.grid)
    if not 0 <= unit < len(reads):
        raise ValueError(f"unit={unit} is not between 0 and {len(reads) - 1}")
    notes = [tr("length {length:.3g}", length=each[unit]) for each in (units.norm1, units.norm2)]
    grids = [
        maps.unit_map(reads[unit], title=tr("Unit {unit} reads (W₁)", unit=unit), part="W₁", note=notes[0]),
        maps.unit_map(writes[unit], title=tr("It writes (W₂)"), part="W₂", note=notes[1]),
    ]
    partner = int(units.partner[unit])
    if partner >= 0:
        cosine = float(units.partner_cosine[unit])
        grids.append(maps.partner_map(reads[partner], partner, cosine, cosine <= OPPOSING_COSINE))
    grids.append(maps.spectrum_map(power_spectrum(reads[unit]), float(units.frequency[unit])))
    return draw_grids(grids)


def preferred(model: MlpMixer, unit: int, channel: int) -> Figure:
    """The preferred picture of a unit of the first block in closed form, without and with LayerNorm's linear part."""
    found = closed_form.preferred_picture(model, unit, channel)
    pictures = [closed_form.as_picture(each, model.config.std) for each in (found.plain, found.normed)]
    titles = [tr("W₁ row × stem filter"), tr("with LayerNorm")]
    return draw_pictures(pictures, titles, tr("Unit {unit}, channel {channel}", unit=unit, channel=channel))


def maximised(found: Maximised) -> Figure:
    """What `maximise` found, each picture with the activation that it reaches."""
    titles = [tr("reaches {value:.3g}", value=value) for value in found.activations]
    about = tr("{steps} steps, seed {seed}", steps=found.steps, seed=found.seed)
    return draw_pictures(list(found.pictures), titles, about)


def listening(model: MlpMixer, image: Image.Image, token: int, block: int = -1) -> Figure:
    """What one patch reads from every patch in a block, and what is read from it: W2 W1, and on this picture."""
    crop = crop_of(model, image)
    rows = jacobian_rows(model, trace(model, preprocess(image, model)), token)
    shown = [
        (tr("Reads, W₂W₁"), "mixing", rows.static_in),
        (tr("Is read by, W₂W₁"), "mixing", rows.static_out),
        (tr("Reads, on this picture"), "jacobian", rows.image_in),
        (tr("Is read by, on this picture"), "jacobian", rows.image_out),
    ]
    return draw_grids(maps.jacobian_grids(crop, token, shown), frame=block)


def receptive_field(model: MlpMixer, image: Image.Image, token: int, stage: int = -1) -> Figure:
    """From where one patch's features come, after all blocks or at stage 0 (embedding) to L."""
    found = fields.receptive_field(model, preprocess(image, model), token)
    return draw_grids([maps.field_grid(crop_of(model, image), found.maps, ("",) * len(found.maps))], frame=stage)


def depth(model: MlpMixer, block: int = 0) -> go.Figure:
    """Frequency, radius, length and rank through the blocks beside random weights; `block` is marked."""
    blocks = _all_weights(model)
    trained, start = depth_curves(blocks), depth_curves(random_start(blocks))
    curves = {
        tr("frequency, cycles per patch"): (trained.frequency_mean, None, start.frequency_mean),
        tr("radius, patches"): (trained.locality_mean, None, start.locality_mean),
        tr("length (Frobenius norm)"): (trained.norm1, trained.norm2, start.norm1),
        tr("effective rank"): (trained.effective_rank1, trained.effective_rank2, start.effective_rank1),
    }
    return charts.depth_chart(curves, block)


def singular_values(model: MlpMixer, block: int) -> go.Figure:
    """Singular values of W1 and W2 of one block, beside random weights."""
    blocks = _all_weights(model)
    trained, start = depth_curves(blocks), depth_curves(random_start(blocks))
    return charts.singular_value_chart(
        trained.singular_values1[block], trained.singular_values2[block], start.singular_values1[block]
    )


def distance(model: MlpMixer, block: int) -> go.Figure:
    """Mean magnitude of W2 W1 by distance in patches."""
    weights = block_weights(model, block)
    profile = distance_profile(linear_mixing(weights), weights.grid)
    return charts.distance_chart(profile.distance, {"W₂W₁": profile.magnitude}, profile.count)


def convolution(model: MlpMixer, block: int) -> Figure:
    """A block's mixing matrix, the kernel that explains most of it, and what is left over."""
    weights = block_weights(model, block)
    matrix = linear_mixing(weights)
    meter = convolution_share(matrix, weights.grid)
    return draw_grids(matrices.convolution_grids(np.asarray(matrix), meter.kernel, meter.residual, meter.explained))


def convolution_meter(model: MlpMixer, block: int = 0) -> go.Figure:
    """How much of every block's mixing a kernel, a shift or the identity would explain; `block` is marked."""
    meters = [convolution_share(linear_mixing(weights), weights.grid) for weights in _all_weights(model)]
    shares, nulls = explained_shares(meters)
    return charts.convolution_chart(shares, nulls, block)


def unit_activation(model: MlpMixer, image: Image.Image, block: int, unit: int) -> Figure:
    """What one unit answers for every channel of a picture, after the GELU."""
    check_range("unit", unit, model.config.tokens_mlp_dim)
    check_range("block", block, model.config.num_blocks)
    hidden = to_array(one_image(trace(model, preprocess(image, model)).blocks[block].tokens_hidden))
    return draw_grids([maps.activation_strip(hidden[:, unit], unit)])


def field_area(model: MlpMixer, image: Image.Image, token: int) -> go.Figure:
    """Share of all patches that holds 20, 50 and 99 % of the gradient of one patch, block by block."""
    return charts.area_chart(fields.receptive_field(model, preprocess(image, model), token).area)


def _all_weights(model: MlpMixer) -> list[MixingWeights]:
    return [block_weights(model, block) for block in range(model.config.num_blocks)]
