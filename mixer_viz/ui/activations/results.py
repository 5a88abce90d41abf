"""The caches of the activations page; results are shared between visitors, never written to.

Bounds: 32 results per kind, for B/16 at most 3 MB each.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from mixer_viz.analysis.activations import logit_attribution, logit_lens, residual_stream, similarity
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute.cached import MAX_RESULTS, trace_of
from mixer_viz.ui.compute.gate import computing_on


@st.cache_resource(max_entries=MAX_RESULTS, show_spinner="Asking every layer …")
def _patch_logits(picture_key: str, model_key: str, target: int, _choice: Choice) -> logit_lens.PatchLogits:
    traced = trace_of(_choice)
    with computing_on(traced.pixels.device):
        return logit_lens.patch_logits(_choice.model.model, traced, target)


def patch_logits_of(choice: Choice, target: int) -> logit_lens.PatchLogits:
    """Logit of one class at every patch and layer."""
    return _patch_logits(choice.picture.key, choice.model.key, target, choice)


@st.cache_resource(max_entries=MAX_RESULTS, show_spinner="Asking every layer …")
def _logit_lens(picture_key: str, model_key: str, _choice: Choice) -> logit_lens.LogitLens:
    traced = trace_of(_choice)
    with computing_on(traced.pixels.device):
        return logit_lens.logit_lens(_choice.model.model, traced)


def logit_lens_of(choice: Choice) -> logit_lens.LogitLens:
    """Class probabilities at every layer."""
    return _logit_lens(choice.picture.key, choice.model.key, choice)


@st.cache_resource(max_entries=MAX_RESULTS, show_spinner="Measuring every layer …")
def _stream(
    picture_key: str, model_key: str, _choice: Choice
) -> tuple[residual_stream.ResidualStream, similarity.TokenDrift]:
    traced = trace_of(_choice)
    return residual_stream.residual_stream(traced), similarity.token_drift(traced)


def stream_of(choice: Choice) -> tuple[residual_stream.ResidualStream, similarity.TokenDrift]:
    """What each half-block writes, and how alike the tokens become."""
    return _stream(choice.picture.key, choice.model.key, choice)


@st.cache_resource(max_entries=MAX_RESULTS, show_spinner="Taking the logit apart …")
def _logit_attribution(
    picture_key: str, model_key: str, target: int, _choice: Choice
) -> logit_attribution.LogitAttribution:
    return logit_attribution.logit_attribution(_choice.model.model, trace_of(_choice), target)


def logit_attribution_of(choice: Choice, target: int) -> logit_attribution.LogitAttribution:
    """What the embedding and every half-block wrote into one logit."""
    return _logit_attribution(choice.picture.key, choice.model.key, target, choice)


@st.cache_resource(max_entries=MAX_RESULTS, show_spinner="Measuring every channel …")
def _effects(picture_key: str, model_key: str, layer: int, target: int, _choice: Choice) -> np.ndarray:
    traced = trace_of(_choice)
    with computing_on(traced.pixels.device):
        return logit_attribution.channel_effects(_choice.model.model, traced, layer, target)


def channel_effects_of(choice: Choice, layer: int, target: int) -> np.ndarray:
    """First-order effect of every channel at a layer on one logit, (C,)."""
    return _effects(choice.picture.key, choice.model.key, layer, target, choice)


@st.cache_resource(max_entries=MAX_RESULTS, show_spinner="Comparing the layers …")
def _cka(first: tuple[str, str], second: tuple[str, str], _choice: Choice, _other: Choice) -> np.ndarray:
    return similarity.cka_between_stages(trace_of(_choice), trace_of(_other))


def cka_of(choice: Choice, other: Choice) -> np.ndarray:
    """Linear CKA between all layers of two choices: of two pictures, of two models with the same S, or of one alone."""
    keys = [(each.picture.key, each.model.key) for each in (choice, other)]
    return _cka(keys[0], keys[1], choice, other)
