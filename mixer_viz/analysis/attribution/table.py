"""The table of attribution methods, gathered from their families, for a Mixer of a given config.

A family is a file with `rows(config)`: an entry for each of its methods, which says what it answers, takes and costs,
and what runs it. Every method runs on a score of its own (`task.Score`), never on the model's modules: where captum
hangs hooks on modules it gets private ones, so threads may share a model and nothing is left on it. The logit of each
patch, exact, stands among them as their reference. captum is imported where a method runs, as it takes a second and the
table is read without it.
"""

from __future__ import annotations

from mixer_viz.analysis.attribution import gradients, paths, perturbation, tokens
from mixer_viz.analysis.attribution.methods import Method
from mixer_viz.language import noted, noted_list
from mixer_viz.model import MixerConfig

_FAMILIES = (gradients, paths, perturbation, tokens)


def methods_for(config: MixerConfig) -> dict[str, Method]:
    """Name -> method, in the order in which to offer them, with the limits and defaults for this config."""
    return {row.name: row for family in _FAMILIES for row in family.rows(config)}


def method_for(config: MixerConfig, name: str) -> Method:
    """One method; raises ValueError for a name that is not in the table."""
    table = methods_for(config)
    if name not in table:
        raise ValueError(noted("method={name!r} must be one of {names}", name=name, names=noted_list(table)))
    return table[name]
