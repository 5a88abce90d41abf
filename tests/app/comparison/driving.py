"""Made-up networks to compare, and opening and reading the page "Token mixers compared" through AppTest."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash
from torch import Tensor

from mixer_viz.checkpoints import bundled
from mixer_viz.checkpoints.metaformer import save_metaformer
from mixer_viz.images import preprocess
from mixer_viz.images.samples import load_sample
from mixer_viz.model import TOKEN_MIXERS, MetaFormer, MetaFormerConfig
from mixer_viz.model.metaformer_config import TokenMixerName
from mixer_viz.model.token_mixer_table import metaformer_costs
from tests.app.driving import ROOT, TIMEOUT, errors, numbers, panel
from tests.conftest import TINY

WORK_SECONDS = 300.0  # all that is at work; a busy machine is slow
NAMES: tuple[TokenMixerName, ...] = get_args(TokenMixerName)
PHOTO, COSTS, SWAPPED, REORDERED = "On your photo", "Cost and accuracy", "Swapped at run time", "Pictures reordered"
SIZES = dataclasses.replace(TINY, embed_dim=12)  # the least that a shift moves
GRID, TOKENS, BLOCKS = SIZES.grid_size, SIZES.num_patches, SIZES.num_blocks
REORDERED_RUNS = [(name, order) for name in ("mlp", "convolution") for order in ("patches-and-pixels", "pixels")]


def network_of(token_mixer: str, permutation: str = "none") -> MetaFormer:
    """A tiny network with the random weights of its own seed."""
    config = MetaFormerConfig(sizes=SIZES, token_mixer=token_mixer, num_heads=2, permutation=permutation)  # type: ignore[arg-type]
    torch.manual_seed(NAMES.index(token_mixer))  # type: ignore[arg-type]
    return MetaFormer(config).eval().requires_grad_(False)


def entry_of(network: MetaFormer, seed: int, accuracy: float) -> dict[str, Any]:
    config, total = network.metaformer_config, metaformer_costs(network.metaformer_config).total
    return {
        "name": f"{config.token_mixer}-{config.permutation}-{seed}",
        "token_mixer": config.token_mixer,
        "permutation": config.permutation,
        "seed": seed,
        "channels_mlp_dim": config.sizes.channels_mlp_dim,
        "parameters": total.parameters,
        "multiply_adds": total.multiply_adds,
        "accuracy": accuracy,
        "accuracies": [accuracy / 2, accuracy],
        "images_per_second": 100.0,
        "seconds": 60 + seed,
    }


def write_networks(assets: Path, names: tuple[str, ...] = NAMES, reordered: bool = True) -> None:
    """`assets/compared` with a network per token mixer, a second seed without weights, and reordered runs."""
    folder, entries = assets / "compared", []
    folder.mkdir()
    wanted = [(name, "none") for name in reversed(names)] + (REORDERED_RUNS if reordered else [])
    for place, (name, permutation) in enumerate(wanted):
        network = network_of(name, permutation)
        entry = entry_of(network, 0, 50.0 + 1.25 * place)
        save_metaformer(network, folder / f"{entry['name']}.safetensors")
        entries.append(entry | {"file": f"{entry['name']}.safetensors"})
        entries.append(entry_of(network, 1, 48.0 + place))
    about = {"data": "made-up data", "hardware": "made up", "accuracy_note": "seen once"}
    card = about | {"recipe": {"epochs": 2, "batch_size": 8}}
    (folder / "compared.json").write_text(json.dumps(card | {"runs": entries}), encoding="utf-8")


def made_assets(folder: Path) -> Path:
    """An assets folder with the bundled Mixer in it, and no networks to compare yet."""
    assets = folder / "assets"
    assets.mkdir()
    for path in bundled.ASSETS_DIR.glob("mixer_cifar10.*"):
        (assets / path.name).symlink_to(path)
    return assets


def pixels_of(picture: str = "cat") -> Tensor:
    return preprocess(load_sample(picture), network_of("mlp"))


def open_page(part: str = PHOTO, **query: str | list[str]) -> AppTest:
    """A new visitor who opens a link to a part of the page."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    for name, value in {"image": "Cat", "part": part, **query}.items():
        app.query_params[name] = value
    app._page_hash = calc_hash("compared")  # what `switch_page` does once a first run has told it the address
    return app.run()


def finish(app: AppTest, until: str = "nothing") -> AppTest:
    """Run the page again, as its timer does, until nothing is at work, or a bar begins with `until`."""
    deadline = time.monotonic() + WORK_SECONDS
    while app.get("progress") and not any(bar.proto.text.startswith(until) for bar in app.get("progress")):
        assert time.monotonic() < deadline, [bar.proto.text for bar in app.get("progress")]
        time.sleep(0.2)  # the work needs the computer as well
        app.run()
    return app


def check(app: AppTest) -> AppTest:
    """The page is there to its last line, without an error."""
    assert errors(app) == []
    assert [title.value for title in app.title] == ["Token mixers compared"]
    assert {box.label for box in app.expander} >= {"In the formula", "What these pictures do not prove"}
    return app


def table(app: AppTest, *columns: str) -> dict[str, list[str]]:
    """The only table that has these columns."""
    (found,) = [each.value for each in app.table if set(columns) <= set(each.value.columns)]
    return {name: list(found[name]) for name in found.columns}


def maps(app: AppTest, key: str) -> dict[str, np.ndarray]:
    """The values of every grid of a panel by its title."""
    grids = panel(app, key)["grids"]
    found = {grid["title"]: numbers(grid) for grid in grids}
    assert len(found) == len(grids)
    return found


def titles(names: tuple[str, ...] = NAMES) -> list[str]:
    return [TOKEN_MIXERS[name].title for name in names]  # type: ignore[index]


def texts_of(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.caption, *app.info])
