"""The network: its sizes, its equation, one traced forward pass, and its block with other token mixers."""

from mixer_viz.model.config import PRESETS as PRESETS
from mixer_viz.model.config import MixerConfig as MixerConfig
from mixer_viz.model.metaformer import MetaFormer as MetaFormer
from mixer_viz.model.metaformer import MetaFormerBlock as MetaFormerBlock
from mixer_viz.model.metaformer import Network as Network
from mixer_viz.model.metaformer_config import MetaFormerConfig as MetaFormerConfig
from mixer_viz.model.mixer import MixerBlock as MixerBlock
from mixer_viz.model.mixer import Mlp as Mlp
from mixer_viz.model.mixer import MlpMixer as MlpMixer
from mixer_viz.model.token_mixer_table import TOKEN_MIXERS as TOKEN_MIXERS
from mixer_viz.model.token_mixers import mixing_matrices as mixing_matrices
from mixer_viz.model.trace import BlockTrace as BlockTrace
from mixer_viz.model.trace import Trace as Trace
from mixer_viz.model.trace import trace as trace
