"""The views of the activations page one by one: layers, channels, hidden activations, the stream, the answer."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from matplotlib.figure import Figure
from PIL import Image

from mixer_viz.analysis.activations import layers as analysis
from mixer_viz.analysis.activations import residual_stream as stream_analysis
from mixer_viz.analysis.activations import similarity
from mixer_viz.analysis.activations.logit_attribution import logit_attribution
from mixer_viz.analysis.activations.logit_lens import logit_lens, patch_logits
from mixer_viz.analysis.ranges import check_stage
from mixer_viz.figures.activations import charts, maps
from mixer_viz.figures.print_grids import draw_grids
from mixer_viz.images import preprocess
from mixer_viz.language import tr
from mixer_viz.model import MlpMixer, Trace, trace
from mixer_viz.model.trace import stages_of
from mixer_viz.plot.pictures import class_name, crop_of

_NUM_CLASSES = 5


def patch_by_layer(model: MlpMixer, image: Image.Image, token: int) -> Figure:
    """The vector of one patch at every layer, a row each."""
    vectors = analysis.patch_vectors(_traced(model, image), token)
    return draw_grids([maps.vectors_by_stage(vectors, token)])


def channels(model: MlpMixer, image: Image.Image, stage: int = -1) -> Figure:
    """All channels of one stage (0, the embedding, to 2 L) as small maps, those that vary most first."""
    stage = _stage(model, stage)
    traced = _traced(model, image)
    order = np.argsort(-analysis.channel_statistics(traced, stage).variance, kind="stable")
    notes = [tr("channel {number}", number=number) for number in range(model.config.embed_dim)]
    return draw_grids([maps.channel_atlas(analysis.stage_maps(traced, stage), order, notes, _names(model)[stage])])


def hidden(model: MlpMixer, image: Image.Image, block: int, mixing: analysis.Mixing = "token") -> Figure:
    """Hidden activations of one MLP: a row per channel (token mixing) or per token (channel mixing)."""
    found = analysis.hidden_activations(_traced(model, image), block, mixing)
    if mixing == "token":
        rows, note = "channel", tr("a row per channel")
        title = tr("Hidden activations, block {number} token mixing", number=block + 1)
    else:
        rows, note = "token", tr("a row per token")
        title = tr("Hidden activations, block {number} channel mixing", number=block + 1)
    return draw_grids([maps.hidden_grid(found.values, title=title, rows=rows, note=note)])


def residual_stream(model: MlpMixer, image: Image.Image, stage: int = -1) -> go.Figure:
    """How much each step writes beside what is there: its length and cosine; `stage` is marked."""
    found = stream_analysis.residual_stream(_traced(model, image))
    lines = {tr("length, added / there"): found.ratio, tr("cosine, added to there"): found.cosine}
    return charts.layer_lines(lines, _names(model), _stage(model, stage), title=tr("ratio, cosine"))


def token_drift(model: MlpMixer, image: Image.Image, stage: int = -1) -> go.Figure:
    """How alike the tokens become from layer to layer; `stage` is marked."""
    found = similarity.token_drift(_traced(model, image))
    lines = {
        tr("mean cosine between tokens"): found.mean_similarity,
        tr("mean cosine to the mean token"): found.to_mean.mean(axis=1),
    }
    return charts.layer_lines(lines, _names(model), _stage(model, stage), title=tr("cosine"))


def token_similarity(model: MlpMixer, image: Image.Image, stage: int = -1) -> Figure:
    """Cosine between all pairs of tokens at one stage."""
    stage = _stage(model, stage)
    found = similarity.token_similarity(_traced(model, image), stage)
    return draw_grids([maps.similarity_matrix(found, _names(model)[stage])])


def layers_alike(model: MlpMixer, image: Image.Image, other: MlpMixer | None = None) -> Figure:
    """Linear CKA between all layers, or with those of another Mixer with as many patches on the same picture."""
    first = _traced(model, image)
    second = first if other is None else _traced(other, image)
    names = _names(model), _names(model if other is None else other)
    cka = similarity.cka_between_stages(first, second)
    title = tr("Layers alike") if other is None else tr("Across")
    rows, columns = cka.shape
    note = tr("{rows} × {columns} layers", rows=rows, columns=columns)
    return draw_grids([maps.cka_matrix(cka, *names, title=title, note=note)])


def answer_by_layer(model: MlpMixer, image: Image.Image, stage: int = -1) -> go.Figure:
    """What the head would answer from every layer: the five best classes of the last; `stage` is marked."""
    found = logit_lens(model, _traced(model, image)).probabilities
    best = np.argsort(-found[-1], kind="stable")[:_NUM_CLASSES].tolist()
    lines = {class_name(model, index): found[:, index] for index in best}
    return charts.layer_lines(lines, _names(model), _stage(model, stage), title=tr("probability, %"), percent=True)


def class_maps(model: MlpMixer, image: Image.Image, target: int, stage: int = -1) -> Figure:
    """What each patch says of a class at one stage, and what the step before wrote for it."""
    stage = _stage(model, stage)
    traced, crop, names = _traced(model, image), crop_of(model, image), _names(model)
    logits, parts = patch_logits(model, traced, target), logit_attribution(model, traced, target)
    name = class_name(model, target)
    written = parts.patch_parts.reshape(len(names), -1)
    grids = [
        maps.class_maps(crop, logits.values, tr("What each patch says of {name}", name=name), "logit", names),
        maps.class_maps(crop, written, tr("What this step wrote for {name}", name=name), "contribution", names),
    ]
    return draw_grids(grids, frame=stage)


def logit_parts(model: MlpMixer, image: Image.Image, target: int, stage: int | None = None) -> go.Figure:
    """Which step wrote how much of a logit; the one of `stage` is marked."""
    found = logit_attribution(model, _traced(model, image), target)
    return charts.contribution_bars(found.parts, _names(model), None if stage is None else _stage(model, stage))


def _traced(model: MlpMixer, image: Image.Image) -> Trace:
    return trace(model, preprocess(image, model))


def _names(model: MlpMixer) -> list[str]:
    return [stage.name for stage in stages_of(model.config)]


def _stage(model: MlpMixer, stage: int) -> int:
    """-1 is the last one."""
    last = 2 * model.config.num_blocks
    stage = last if stage == -1 else stage
    check_stage(model.config, stage)
    return stage
