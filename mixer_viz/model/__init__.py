"""The network: its sizes, its equation, and one traced forward pass."""

from mixer_viz.model.config import PRESETS as PRESETS
from mixer_viz.model.config import MixerConfig as MixerConfig
from mixer_viz.model.mixer import MixerBlock as MixerBlock
from mixer_viz.model.mixer import Mlp as Mlp
from mixer_viz.model.mixer import MlpMixer as MlpMixer
from mixer_viz.model.trace import BlockTrace as BlockTrace
from mixer_viz.model.trace import Trace as Trace
from mixer_viz.model.trace import trace as trace
