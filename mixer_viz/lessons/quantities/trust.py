"""Quantities of attributions: what a map says, and what deleting patches really does."""

from __future__ import annotations

import numpy as np

from mixer_viz.analysis.arrays import probabilities
from mixer_viz.analysis.attribution.deletion import patch_order
from mixer_viz.analysis.attribution.masking import logits_without, logits_without_many
from mixer_viz.analysis.attribution.result import Attribution
from mixer_viz.analysis.attribution.run import attribute
from mixer_viz.lessons.quantities.situation import Situation


def map_of(situation: Situation) -> Attribution:
    """The map "deleted_by" of the top answer, with its usual parameters."""
    target = int(situation.answer.argmax())
    baseline = situation.text("baseline")
    method, pixels = situation.text("deleted_by"), situation.trace.pixels
    return attribute(situation.model, pixels, target, method, baseline=baseline, progress=situation.progress)


def map_sum(situation: Situation) -> float:
    """What the values of the map add up to, in logits."""
    return float(map_of(situation).patch_map.sum())


def map_best_patch(situation: Situation) -> float:
    """The patch with the largest value of the map."""
    return float(map_of(situation).patch_map.argmax())


def deleted(situation: Situation) -> np.ndarray:
    """Class probabilities without the first "deleted" patches of the map."""
    order = patch_order(map_of(situation).patch_map)[: situation.whole("deleted")]
    return _without(situation, order.tolist())


def fewest_deleted(situation: Situation) -> float:
    """How many patches of the map have to go until the answer is another one; the number of patches if it stays."""
    order = patch_order(map_of(situation).patch_map)
    best = int(situation.answer.argmax())
    sets = [order[:count].tolist() for count in range(1, len(order) + 1)]
    logits = logits_without_many(situation.model, situation.trace.pixels, sets, baseline=situation.text("baseline"))
    others = np.flatnonzero(logits.argmax(axis=1) != best)
    return float(others[0] + 1 if len(others) else len(order))


def logit_drop(situation: Situation) -> float:
    """By how much the logit of the top answer falls without patch "token"."""
    best = int(situation.answer.argmax())
    return float(_logits(situation, [])[best] - _logits(situation, [situation.whole("token")])[best])


def nothing(situation: Situation) -> np.ndarray:
    """Class probabilities of the baseline alone."""
    return _without(situation, list(range(situation.model.config.num_patches)))


def _without(situation: Situation, patches: list[int]) -> np.ndarray:
    return probabilities(_logits(situation, patches))


def _logits(situation: Situation, patches: list[int]) -> np.ndarray:
    return logits_without(situation.model, situation.trace.pixels, patches, baseline=situation.text("baseline"))
