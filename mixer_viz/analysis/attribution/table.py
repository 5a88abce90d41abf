"""The table of attribution methods: what each one answers, takes and costs, for a Mixer of a given config; who runs it.

Every method runs on a score of its own (`task.Score`), never on the model's modules: where captum hangs hooks on
modules it gets private ones, so threads may share a model and nothing is left on it. Values at pixels come as
(1, 3, H, W), values of tokens as (1, ..., S). The logit of each patch, exact, stands among them as their reference.
captum is imported where a method runs, as it takes a second and the table is read without it.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from mixer_viz.analysis.attribution import gradients, paths, perturbation, tokens
from mixer_viz.analysis.attribution.methods import Method
from mixer_viz.analysis.attribution.task import Task
from mixer_viz.model import MixerConfig

METHODS: dict[str, Callable[[Task], Tensor]] = {
    **gradients.RUNNERS,
    **paths.RUNNERS,
    **perturbation.RUNNERS,
    **tokens.RUNNERS,
}


def methods_for(config: MixerConfig) -> dict[str, Method]:
    """Name -> method, in the order in which to offer them, with the limits and defaults for this config."""
    rows = [*gradients.rows(), *paths.rows(), *perturbation.rows(config), *tokens.rows(config)]
    return {row.name: row for row in rows}


def method_for(config: MixerConfig, name: str) -> Method:
    """The row of one method; raises ValueError for a name that is not in the table."""
    table = methods_for(config)
    if name not in table:
        raise ValueError(f"method={name!r} must be one of {', '.join(table)}")
    return table[name]
