"""`mv.plot`: the app's pictures in a notebook, by the app's own drawing code.

Every function returns a matplotlib figure, or a plotly one where the page has a chart; both can be restyled, and
notebooks show them. `model` is a loaded Mixer, `image` a picture as `open_image` returns it, blocks, units, channels
and patches are counted from 0.
"""

from mixer_viz.plot.activations import activations as activations
from mixer_viz.plot.activations import layer as layer
from mixer_viz.plot.activations import overview as overview
from mixer_viz.plot.activations import patches as patches
from mixer_viz.plot.attributions import attribution as attribution
from mixer_viz.plot.attributions import curves as curves
from mixer_viz.plot.surveys import logit_lens as logit_lens
from mixer_viz.plot.surveys import unit_classes as unit_classes
from mixer_viz.plot.surveys import unit_histogram as unit_histogram
from mixer_viz.plot.units import atlas as atlas
from mixer_viz.plot.units import convolution as convolution
from mixer_viz.plot.units import depth as depth
from mixer_viz.plot.units import distance as distance
from mixer_viz.plot.units import listening as listening
from mixer_viz.plot.units import maximised as maximised
from mixer_viz.plot.units import preferred as preferred
from mixer_viz.plot.units import receptive_field as receptive_field
from mixer_viz.plot.units import singular_values as singular_values
from mixer_viz.plot.units import unit as unit

__all__ = [
    "activations",
    "atlas",
    "attribution",
    "convolution",
    "curves",
    "depth",
    "distance",
    "layer",
    "listening",
    "logit_lens",
    "maximised",
    "overview",
    "patches",
    "preferred",
    "receptive_field",
    "singular_values",
    "unit",
    "unit_classes",
    "unit_histogram",
]
