"""Opening and reading the views of the activations page that change or recompute something, through AppTest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from streamlit.testing.v1 import AppTest

from mixer_viz.checkpoints import save_model
from mixer_viz.model import MlpMixer
from tests.app.activations import driving
from tests.app.driving import errors

OFF, SHUFFLED, FORMULA = "Switching off", "Shuffled patches", "Formula"


def open_view(view: str, **query: str) -> AppTest:
    """A new visitor who opens a link to one view of the page."""
    app = driving.open_page(view=view, **query)
    assert errors(app) == []
    return app


def run(app: AppTest) -> AppTest:
    app.run()
    assert errors(app) == []
    return app


def percent(logits: np.ndarray) -> np.ndarray:
    return 100 * torch.from_numpy(logits).double().softmax(dim=0).numpy()


def tables(app: AppTest) -> list[dict[str, str]]:
    """Probabilities before and after, by class, as printed."""
    return [dict(zip(table.value["class"], table.value["probability"], strict=True)) for table in app.table[:2]]


def printed(model: MlpMixer, logits: np.ndarray) -> dict[str, str]:
    assert model.config.class_names is not None
    values = percent(logits)
    best = np.argsort(-values, kind="stable")[:5].tolist()
    return {model.config.class_names[index]: f"{values[index]:.1f} %" for index in best}


def checkpoint(model: MlpMixer, folder: Path) -> bytes:
    save_model(model, folder / "mine.safetensors")
    return (folder / "mine.safetensors").read_bytes()
