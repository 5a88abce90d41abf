"""The cached results of the Overview page."""

from __future__ import annotations

from mixer_viz.analysis import overview
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute.cached import trace_of
from mixer_viz.ui.compute.caching import kept


@kept("result", "Running the Mixer …", copied=True)
def overview_of(choice: Choice) -> overview.Overview:
    return overview.overview_of(trace_of(choice))
