"""Heavy libraries that stay out until they are needed: one fresh Python imports part after part and tells."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import json, sys
told = {}
import mixer_viz.figures.overview, mixer_viz.figures.patches
told["matplotlib.pyplot"] = "matplotlib.pyplot" in sys.modules
import mixer_viz.checkpoints
mixer_viz.checkpoints.available_models()
told["timm"] = "timm" in sys.modules
import mixer_viz.images
told["torchvision"] = "torchvision" in sys.modules
import mixer_viz, mixer_viz.analysis.attribution.table, mixer_viz.analysis.attribution.result
told["captum"] = "captum" in sys.modules
told["attribute is missing"] = "attribute" not in dir(mixer_viz)
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told() -> dict[str, bool]:
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", CODE], cwd=root, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def test_pyplot_and_its_global_state_stay_out(told: dict[str, bool]) -> None:
    assert not told["matplotlib.pyplot"]


def test_importing_and_listing_leave_timm_alone(told: dict[str, bool]) -> None:
    assert not told["timm"]


def test_pictures_are_read_without_torchvision(told: dict[str, bool]) -> None:
    """Its import would be most of what a page's first visitor waits for."""
    assert not told["torchvision"]


def test_captum_is_loaded_at_first_use_alone(told: dict[str, bool]) -> None:
    assert not told["captum"]
    assert not told["attribute is missing"]
