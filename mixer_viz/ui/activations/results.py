"""What the activations page computes and keeps; results are shared between visitors, never written to."""

from __future__ import annotations

import numpy as np

from mixer_viz.analysis.activations import logit_attribution, logit_lens, residual_stream, similarity
from mixer_viz.language import mark
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute.cached import trace_of
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.gate import computing_on


@kept("result", mark("Asking every layer …"))
def patch_logits_of(choice: Choice, target: int) -> logit_lens.PatchLogits:
    """Logit of one class at every patch and layer."""
    traced = trace_of(choice)
    with computing_on(traced.pixels.device):
        return logit_lens.patch_logits(choice.model.model, traced, target)


@kept("result", mark("Asking every layer …"))
def logit_lens_of(choice: Choice) -> logit_lens.LogitLens:
    """Class probabilities at every layer."""
    traced = trace_of(choice)
    with computing_on(traced.pixels.device):
        return logit_lens.logit_lens(choice.model.model, traced)


@kept("result", mark("Measuring every layer …"))
def stream_of(choice: Choice) -> tuple[residual_stream.ResidualStream, similarity.TokenDrift]:
    """What each half-block writes, and how alike the tokens become."""
    traced = trace_of(choice)
    return residual_stream.residual_stream(traced), similarity.token_drift(traced)


@kept("result", mark("Taking the logit apart …"))
def logit_attribution_of(choice: Choice, target: int) -> logit_attribution.LogitAttribution:
    """What the embedding and every half-block wrote into one logit."""
    return logit_attribution.logit_attribution(choice.model.model, trace_of(choice), target)


@kept("result", mark("Measuring every channel …"))
def channel_effects_of(choice: Choice, layer: int, target: int) -> np.ndarray:
    """First-order effect of every channel at a layer on one logit, (C,)."""
    traced = trace_of(choice)
    with computing_on(traced.pixels.device):
        return logit_attribution.channel_effects(choice.model.model, traced, layer, target)


@kept("result", mark("Comparing the layers …"))
def cka_of(choice: Choice, other: Choice) -> np.ndarray:
    """Linear CKA between all layers of two choices: of two pictures, of two models with the same S, or of one alone."""
    return similarity.cka_between_stages(trace_of(choice), trace_of(other))


@kept("result", mark("Comparing the layers …"))
def permuted_cka_of(choice: Choice, other: Choice) -> float | None:
    """Mean over all pairs of layers of what CKA is with one side's patches in random order; None for one patch."""
    permuted = similarity.permuted_cka(trace_of(choice), trace_of(other))
    return None if np.isnan(permuted).all() else float(np.nanmean(permuted))
