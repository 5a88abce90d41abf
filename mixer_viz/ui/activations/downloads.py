"""What the activations page offers for download."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from mixer_viz.analysis.activations.layers import tokens_by_stage
from mixer_viz.figures.activations.print import draw_activations
from mixer_viz.language import shown, tr
from mixer_viz.texts.names.classes import class_in_words
from mixer_viz.ui.activations import results
from mixer_viz.ui.activations.layers import stage_names, top_class
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.overview import overview_of
from mixer_viz.ui.widgets import downloads as download_widgets

_NUM_CLASSES = 5


def downloads(choice: Choice) -> None:
    """Figure, arrays and table of all layers; each is made only when it is asked for."""
    download_widgets.download_row(
        "activations", lambda: _figure(choice), lambda: _arrays(choice), lambda: _table(choice)
    )


def _figure(choice: Choice) -> Figure:
    target = top_class(choice)
    depth = results.logit_lens_of(choice)
    best = np.argsort(-depth.probabilities[-1], kind="stable")[:_NUM_CLASSES].tolist()
    return draw_activations(
        cached.crop_of(choice),
        stage_names(choice),
        overview_of(choice).token_norm,
        {class_in_words(choice.model.class_name(index)): depth.probabilities[:, index] for index in best},
        results.logit_attribution_of(choice, target).parts,
        class_in_words(choice.model.class_name(target)),
        tr("{model}, picture: {picture}", model=choice.model.title, picture=choice.picture.said_title),
    )


def _arrays(choice: Choice) -> dict[str, np.ndarray]:
    trace = cached.trace_of(choice)
    target = top_class(choice)
    depth, parts = results.logit_lens_of(choice), results.logit_attribution_of(choice, target)
    written, drift = results.stream_of(choice)
    return {
        "tokens": tokens_by_stage(trace),
        "branch_ratio": written.ratio,
        "branch_cosine": written.cosine,
        "mean_similarity": drift.mean_similarity,
        "cka": results.cka_of(choice, choice),
        "logits_by_layer": depth.logits,
        "target": np.array(target),
        "patch_logits": results.patch_logits_of(choice, target).values,
        "patch_parts": parts.patch_parts,
        "logit_constant": np.array(parts.constant),
    }


def _table(choice: Choice) -> bytes:
    target = top_class(choice)
    written, drift = results.stream_of(choice)
    columns = {
        tr("layer"): range(len(drift.mean_similarity)),
        tr("name"): [shown(name) for name in stage_names(choice)],
        tr("mean_token_length"): overview_of(choice).token_norm.mean(axis=(1, 2)).tolist(),
        tr("branch_ratio"): written.ratio.tolist(),
        tr("branch_cosine"): written.cosine.tolist(),
        tr("mean_token_similarity"): drift.mean_similarity.tolist(),
        tr("probability_of_class_{number}", number=target): results.logit_lens_of(choice)
        .probabilities[:, target]
        .tolist(),
        tr("part_of_logit_{number}", number=target): results.logit_attribution_of(choice, target).parts.tolist(),
    }
    return download_widgets.csv_bytes(list(columns), list(zip(*columns.values(), strict=True)))
