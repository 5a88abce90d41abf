"""Shared fixtures: a Mixer in which no two axes have the same length, so a swapped axis fails by shape.

And how the tests share the computer: a worker for each core, one thread in each.
"""

from __future__ import annotations

import os
from pathlib import Path

# Before torch is imported. Threads of several processes on the same cores wait for each other in busy loops.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from typing import TYPE_CHECKING, Any

import pytest

from mixer_viz.language import speaker

if TYPE_CHECKING:
    from mixer_viz.model import MixerConfig, MlpMixer

speaker.STRICT = True  # nobody's language may get into what visitors share

MOST_WORKERS = 4  # each holds PyTorch, and some a server and a Chromium
# The long files come first, so that at the end no worker has one while the others have nothing.
SLOWEST_FIRST = ("tests/browser/", "tests/app/", "tests/training/", "tests/test_packaging.py")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """What `-n auto` means. A single file runs in this process: it starts sooner there and can be debugged."""
    if len(config.args) == 1 and Path(config.args[0].partition("::")[0]).is_file():
        return 0
    return min(os.cpu_count() or 1, MOST_WORKERS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return next((place for place, start in enumerate(SLOWEST_FIRST) if item.nodeid.startswith(start)), 99)

    items.sort(key=place)


def __getattr__(name: str) -> Any:
    """`TINY`, at first use: the process that only hands tests out to workers needs no PyTorch."""
    if name != "TINY":
        raise AttributeError(name)
    from mixer_viz.model import MixerConfig

    tiny = globals()["TINY"] = MixerConfig(
        image_size=8,
        patch_size=2,  # S = 16 tokens
        embed_dim=6,
        num_blocks=2,
        tokens_mlp_dim=5,
        channels_mlp_dim=7,
        num_classes=10,
        mean=(0.5, 0.4, 0.3),
        std=(0.2, 0.3, 0.4),
        interpolation="bicubic",
        crop_pct=0.875,
        class_names=tuple(f"class {index}" for index in range(10)),
    )
    return tiny


@pytest.fixture
def tiny_config() -> MixerConfig:
    found: MixerConfig = __getattr__("TINY")
    return found


@pytest.fixture
def tiny_model(tiny_config: MixerConfig) -> MlpMixer:
    """Seeded random weights in every layer, the head included."""
    import torch

    from mixer_viz.model import MlpMixer

    torch.manual_seed(0)
    return MlpMixer(tiny_config).eval()
