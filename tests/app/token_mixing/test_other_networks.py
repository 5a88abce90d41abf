"""Own checkpoints and files of matrices on the page of the token-mixing weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save
from streamlit.testing.v1 import AppTest
from timm.models.mlp_mixer import Affine, ResBlock
from timm.models.mlp_mixer import MlpMixer as TimmMixer

from mixer_viz.analysis.token_mixing.weights import block_weights, units_of
from mixer_viz.checkpoints import save_model
from mixer_viz.model import MlpMixer
from mixer_viz.ui.token_mixing.atlas import NOTHING, ORDERS
from tests.app.driving import BUNDLED, OTHERS, errors, numbers, panel, upload_weights
from tests.app.token_mixing.driving import atlas, check, open_page, shows, tables
from tests.checkpoints.checkpoint_files import timm_tensors

UNKNOWN = {"mean": None, "std": None, "interpolation": None, "crop_pct": None, "class_names": None}

Make = Callable[..., MlpMixer]


def own_file(model: MlpMixer, tmp_path: Path) -> bytes:
    save_model(model, tmp_path / "own.safetensors")
    return (tmp_path / "own.safetensors").read_bytes()


def test_selection_beyond_the_new_models_last_is_clamped(make_model: Make, tmp_path: Path) -> None:
    app = open_page(block="8", unit="100", token="63")
    check(upload_weights(app, "own.safetensors", own_file(make_model(), tmp_path)))
    assert [app.number_input(key=key).value for key in ("block", "token")] == [2, 15]  # at the same place
    assert [app.number_input(key=key).max for key in ("block", "unit", "token")] == [2, 4, 15]
    # Units have no place: the first to look at in this model.
    unit = app.number_input(key="unit").value
    fresh = upload_weights(open_page(block="8"), "own.safetensors", own_file(make_model(), tmp_path))
    assert panel(app, "atlas")["selected"] == unit == fresh.number_input(key="unit").value <= 4


@pytest.mark.parametrize("units", [1, 2, 7])
def test_own_checkpoint_with_few_units(units: int, make_model: Make, tmp_path: Path) -> None:
    """An odd number leaves one without a partner; one alone has no opposite at all."""
    own = make_model(tokens_mlp_dim=units)
    app = upload_weights(open_page(), "own.safetensors", own_file(own, tmp_path))
    check(app)
    block = app.number_input(key="block").value - 1
    alone = np.flatnonzero(units_of(block_weights(own, block)).partner < 0)
    assert len(alone) == units % 2
    for unit in range(units):
        app.number_input(key="unit").set_value(unit).run()
        check(app)
        titles = [grid["title"] for grid in panel(app, "unit-maps")["grids"]]
        assert any("partner" in title or "Left over" in title for title in titles) == (unit not in alone)
        assert "nan" not in " ".join(tables(app)[0].values())
    for order in ORDERS:
        app.button_group(key="order").set_value(order).run()
        check(app)
        assert sorted(atlas(app)[0]["ids"]) == list(range(units))


def test_own_checkpoint_that_says_nothing_of_its_classes(make_model: Make) -> None:
    own = make_model(**UNKNOWN, num_classes=3)
    app = upload_weights(open_page(), "bare.safetensors", save(dict(timm_tensors(own))))
    check(app)
    assert sorted(tables(app)[1]["class"]) == [f"class {index}" for index in range(3)]
    assert app.selectbox(key="beside").options == [NOTHING, BUNDLED, *OTHERS]
    app.selectbox(key="beside").select(BUNDLED).run()
    check(app)
    assert len(atlas(app)) == 2


def upload_matrices(app: AppTest, name: str, data: bytes) -> AppTest:
    return app.file_uploader(key="mixing_file").upload(name, data).run()


def resmlp_file(image_size: int | tuple[int, int] = 8) -> tuple[TimmMixer, bytes]:
    torch.manual_seed(0)
    sizes = {"num_classes": 3, "img_size": image_size, "patch_size": 2, "num_blocks": 3, "embed_dim": 6, "mlp_ratio": 2}
    network = TimmMixer(block_layer=ResBlock, norm_layer=Affine, **sizes)
    return network, save({name: value.contiguous() for name, value in network.state_dict().items()})


def test_resmlp_file_shows_its_matrices() -> None:
    network, data = resmlp_file()
    app = upload_matrices(open_page(), "resmlp.safetensors", data)
    for block in range(3):
        app.number_input(key="mixing_file_block").set_value(block + 1).run()
        assert errors(app) == []
        matrix = network.blocks[block].linear_tokens.weight.detach().numpy()
        (rows,) = panel(app, "file-rows")["grids"]
        assert shows(rows | {"ids": list(range(16))}, matrix)
        assert np.array_equal(numbers(panel(app, "file-convolution")["grids"][0]).reshape(16, 16), matrix)
    assert any("**ResMLP**: 3 blocks, S = 16" in text.value for text in app.markdown)
    assert any("NPZ" in button.label for button in app.get("download_button"))
    assert panel(app, "talk")["grids"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mixer.safetensors", "open it as a model"),
        ("damaged.safetensors", "damaged or cut short"),
        ("oblong.safetensors", "no square grid"),
        ("empty.pth", "empty"),
    ],
)
def test_file_that_cannot_be_shown_is_one_sentence_and_the_page_goes_on(
    name: str, words: str, make_model: Make
) -> None:
    good = resmlp_file()[1]
    files = {
        "mixer.safetensors": save(dict(timm_tensors(make_model()))),
        "damaged.safetensors": good[: len(good) // 2],
        "oblong.safetensors": resmlp_file((8, 4))[1],
        "empty.pth": b"",
    }
    app = upload_matrices(open_page(), name, files[name])
    (sentence,) = errors(app)
    assert words in sentence
    assert sentence.endswith(".")
    assert {box.label for box in app.expander} >= {"In the formula", "What these pictures do not prove"}
    for key in ("atlas", "unit-maps", "talk", "field", "convolution"):
        assert panel(app, key)["grids"]
    check_again = upload_matrices(app, "resmlp.safetensors", good)
    assert errors(check_again) == []
    assert panel(check_again, "file-rows")["grids"]
