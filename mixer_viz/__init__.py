"""Look inside MLP-Mixers: load one, run it on a picture, and read every intermediate result."""

from mixer_viz.checkpoints import CheckpointError as CheckpointError
from mixer_viz.checkpoints import ModelInfo as ModelInfo
from mixer_viz.checkpoints import available_models as available_models
from mixer_viz.checkpoints import load_model as load_model
from mixer_viz.checkpoints import save_model as save_model
from mixer_viz.images import ImageError as ImageError
from mixer_viz.images import open_image as open_image
from mixer_viz.images import preprocess as preprocess
from mixer_viz.model import PRESETS as PRESETS
from mixer_viz.model import MixerConfig as MixerConfig
from mixer_viz.model import MlpMixer as MlpMixer
from mixer_viz.model import Trace as Trace
from mixer_viz.model import trace as trace
