"""Names and files -> models."""

from mixer_viz.checkpoints.devices import choose_device as choose_device
from mixer_viz.checkpoints.errors import CheckpointError as CheckpointError
from mixer_viz.checkpoints.formats.own_format import save_model as save_model
from mixer_viz.checkpoints.load import load_model as load_model
from mixer_viz.checkpoints.load import load_model_bytes as load_model_bytes
from mixer_viz.checkpoints.registry import ModelInfo as ModelInfo
from mixer_viz.checkpoints.registry import available_models as available_models
