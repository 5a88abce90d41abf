"""Files that a visitor of the token-mixing page downloads or brings along, with a real browser."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("playwright", exc_type=ImportError)

from PIL import Image
from safetensors.torch import save_file
from timm.models.mlp_mixer import Affine, ResBlock
from timm.models.mlp_mixer import MlpMixer as TimmMixer

from mixer_viz.analysis.token_mixing.weights import Units, block_weights, units_of
from mixer_viz.model import MlpMixer
from tests.browser.looking import canvas, download, idle, num_colours, upload
from tests.browser.token_mixing.looking import BLOCK, UNIT, Tab, Visit, expect_unit, open_atlas

pytestmark = pytest.mark.browser


def test_unit_table_can_be_downloaded_and_read_back(tab: Tab, model: MlpMixer) -> None:
    page = open_atlas(tab)
    file = download(page, "token-mixing-csv")
    assert file.suggested_filename == "token-mixing.csv"
    with open(file.path(), newline="", encoding="utf-8-sig") as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == model.config.num_blocks * model.config.tokens_mlp_dim
    for block in (0, BLOCK):
        units = units_of(block_weights(model, block))
        mine = [row for row in rows if row["block"] == str(block + 1)]
        assert [int(row["unit"]) for row in mine] == list(range(model.config.tokens_mlp_dim))
        for name in Units.__dataclass_fields__:
            np.testing.assert_allclose([float(row[name]) for row in mine], getattr(units, name), rtol=1e-9, atol=1e-12)


def test_atlas_and_weights_can_be_downloaded(tab: Tab, model: MlpMixer) -> None:
    page = open_atlas(tab)
    with Image.open(download(page, "token-mixing-png").path()) as figure:
        assert figure.format == "PNG"
        assert figure.width == 2100  # 7 inches at 300 dpi
        assert len(set(figure.convert("RGB").resize((200, 200)).get_flattened_data())) > 100
    with np.load(download(page, "token-mixing-npz").path(), allow_pickle=False) as arrays:
        weights = block_weights(model, BLOCK)
        assert np.array_equal(arrays["w1"][BLOCK], weights.w1)
        assert np.array_equal(arrays["w2"][BLOCK], weights.w2)
    assert Path(download(page, "token-mixing-svg").path()).read_bytes()[:5] == b"<?xml"
    assert Path(download(page, "token-mixing-pdf").path()).read_bytes()[:5] == b"%PDF-"


def test_a_resmlp_file_is_painted(visit: Visit, tmp_path: Path) -> None:
    torch.manual_seed(0)
    sizes = {"num_classes": 3, "img_size": 8, "patch_size": 2, "num_blocks": 3, "embed_dim": 6, "mlp_ratio": 2}
    network = TimmMixer(block_layer=ResBlock, norm_layer=Affine, **sizes)
    save_file(network.state_dict(), tmp_path / "resmlp.safetensors")
    page = open_atlas(visit)
    page.get_by_text("The mixing matrices of a ResMLP or gMLP file").click()
    upload(page, "mixing_file", tmp_path / "resmlp.safetensors")
    rows = canvas(page, "file-rows")
    rows.wait_for()
    idle(page)
    assert num_colours(rows) > 5
    assert num_colours(canvas(page, "file-convolution")) > 5
    expect_unit(page, UNIT)
