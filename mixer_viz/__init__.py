"""Look inside MLP-Mixers: load one, run it on a picture, and read every intermediate result."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"  # the only place; pyproject.toml reads it here

if TYPE_CHECKING:
    from mixer_viz import plot as plot
    from mixer_viz.analysis.attribution.result import Attribution as Attribution
    from mixer_viz.analysis.attribution.run import attribute as attribute
    from mixer_viz.analysis.batches import for_each_image as for_each_image
    from mixer_viz.analysis.chunks import AnalysisCancelled as AnalysisCancelled
    from mixer_viz.analysis.token_mixing.maximise import maximise as maximise
    from mixer_viz.analysis.token_mixing.objective import Objective as Objective
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
    from mixer_viz.survey.output import read_survey as read_survey

# Loaded at first use: torch and torchvision take seconds, and the app has to answer before that.
_HOMES = {
    "analysis.attribution.result": ("Attribution",),
    "analysis.attribution.run": ("attribute",),
    "analysis.batches": ("for_each_image",),
    "analysis.chunks": ("AnalysisCancelled",),
    "analysis.token_mixing.maximise": ("maximise",),
    "analysis.token_mixing.objective": ("Objective",),
    "checkpoints": ("CheckpointError", "ModelInfo", "available_models", "load_model", "save_model"),
    "images": ("ImageError", "open_image", "preprocess"),
    "model": ("PRESETS", "MixerConfig", "MlpMixer", "Trace", "trace"),
    "survey.output": ("read_survey",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted([*_HOME_OF, "plot"])


def __getattr__(name: str) -> Any:
    if name == "plot":
        return importlib.import_module("mixer_viz.plot")
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
