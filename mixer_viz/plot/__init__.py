"""`mv.plot`: the app's pictures in a notebook, by the app's own drawing code.

Every function returns a matplotlib figure, or a plotly one where the page has a chart; both can be restyled, and
notebooks show them. `model` is a loaded Mixer, `image` a picture as `open_image` returns it, blocks, units, channels
and patches are counted from 0.
"""

from mixer_viz.plot.activations import activations as activations
from mixer_viz.plot.activations import layer as layer
from mixer_viz.plot.activations import overview as overview
from mixer_viz.plot.activations import patches as patches
from mixer_viz.plot.attributions import agreement as agreement
from mixer_viz.plot.attributions import answers_without as answers_without
from mixer_viz.plot.attributions import attribution as attribution
from mixer_viz.plot.attributions import curves as curves
from mixer_viz.plot.attributions import without as without
from mixer_viz.plot.inside import answer_by_layer as answer_by_layer
from mixer_viz.plot.inside import channels as channels
from mixer_viz.plot.inside import class_maps as class_maps
from mixer_viz.plot.inside import hidden as hidden
from mixer_viz.plot.inside import layers_alike as layers_alike
from mixer_viz.plot.inside import logit_parts as logit_parts
from mixer_viz.plot.inside import patch_by_layer as patch_by_layer
from mixer_viz.plot.inside import residual_stream as residual_stream
from mixer_viz.plot.inside import token_drift as token_drift
from mixer_viz.plot.inside import token_similarity as token_similarity
from mixer_viz.plot.interventions import gelu as gelu
from mixer_viz.plot.interventions import hidden_terms as hidden_terms
from mixer_viz.plot.interventions import partial_sums as partial_sums
from mixer_viz.plot.interventions import shuffled as shuffled
from mixer_viz.plot.interventions import switched_off as switched_off
from mixer_viz.plot.interventions import terms as terms
from mixer_viz.plot.networks import atlas_at as atlas_at
from mixer_viz.plot.networks import film as film
from mixer_viz.plot.networks import mixers_accuracy as mixers_accuracy
from mixer_viz.plot.networks import mixers_field as mixers_field
from mixer_viz.plot.networks import mixers_growth as mixers_growth
from mixer_viz.plot.networks import mixers_listening as mixers_listening
from mixer_viz.plot.networks import mixers_matrices as mixers_matrices
from mixer_viz.plot.networks import mixers_reordered as mixers_reordered
from mixer_viz.plot.networks import mixers_training as mixers_training
from mixer_viz.plot.surveys import logit_lens as logit_lens
from mixer_viz.plot.surveys import unit_classes as unit_classes
from mixer_viz.plot.surveys import unit_histogram as unit_histogram
from mixer_viz.plot.surveys import unit_pictures as unit_pictures
from mixer_viz.plot.tokens import answer as answer
from mixer_viz.plot.tokens import filters as filters
from mixer_viz.plot.tokens import patch_sizes as patch_sizes
from mixer_viz.plot.tokens import patch_vector as patch_vector
from mixer_viz.plot.tokens import photo as photo
from mixer_viz.plot.tokens import pooled as pooled
from mixer_viz.plot.tokens import rebuilt as rebuilt
from mixer_viz.plot.tokens import stages as stages
from mixer_viz.plot.units import atlas as atlas
from mixer_viz.plot.units import convolution as convolution
from mixer_viz.plot.units import convolution_meter as convolution_meter
from mixer_viz.plot.units import depth as depth
from mixer_viz.plot.units import distance as distance
from mixer_viz.plot.units import field_area as field_area
from mixer_viz.plot.units import listening as listening
from mixer_viz.plot.units import maximised as maximised
from mixer_viz.plot.units import preferred as preferred
from mixer_viz.plot.units import receptive_field as receptive_field
from mixer_viz.plot.units import singular_values as singular_values
from mixer_viz.plot.units import unit as unit
from mixer_viz.plot.units import unit_activation as unit_activation

__all__ = [
    "activations",
    "agreement",
    "answer",
    "answer_by_layer",
    "answers_without",
    "atlas",
    "atlas_at",
    "attribution",
    "channels",
    "class_maps",
    "convolution",
    "convolution_meter",
    "curves",
    "depth",
    "distance",
    "field_area",
    "film",
    "filters",
    "gelu",
    "hidden",
    "hidden_terms",
    "layer",
    "layers_alike",
    "listening",
    "logit_lens",
    "logit_parts",
    "maximised",
    "mixers_accuracy",
    "mixers_field",
    "mixers_growth",
    "mixers_listening",
    "mixers_matrices",
    "mixers_reordered",
    "mixers_training",
    "overview",
    "partial_sums",
    "patch_by_layer",
    "patch_sizes",
    "patch_vector",
    "patches",
    "photo",
    "pooled",
    "preferred",
    "rebuilt",
    "receptive_field",
    "residual_stream",
    "shuffled",
    "singular_values",
    "stages",
    "switched_off",
    "terms",
    "token_drift",
    "token_similarity",
    "unit",
    "unit_activation",
    "unit_classes",
    "unit_histogram",
    "unit_pictures",
    "without",
]
