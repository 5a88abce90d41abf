"""The page of the learned token-mixing weights: first visit, atlas, snapshots beside it, links."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mixer_viz.analysis.token_mixing import unit_effect
from mixer_viz.analysis.token_mixing.opposing_pairs import OPPOSING_COSINE
from mixer_viz.analysis.token_mixing.weights import block_weights, unit_order, units_of
from mixer_viz.checkpoints import bundled, load_model, save_model
from mixer_viz.model import MlpMixer
from mixer_viz.ui.token_mixing.atlas import NOTHING, ORDERS, SCALES
from tests.app.driving import OTHERS, numbers, panel
from tests.app.token_mixing.driving import BLOCK, LABELS, TOKEN, UNIT, atlas, check, floats, open_page, shows, tiles

Make = Callable[..., MlpMixer]
BEGINS_WITH = {"mixer_everyday": 5, "mixer_cifar10": 0}  # blocks, counted from 0


@pytest.mark.parametrize("name", BEGINS_WITH)
def test_first_visit_opens_at_the_block_with_most_pairs_to_see(name: str) -> None:
    """Another block of mixer_cifar10 has more pairs, nearly all of one pattern and its negative."""
    app, model = open_page(model=name), load_model(name, "cpu")
    check(app)
    block = BEGINS_WITH[name]
    assert app.number_input(key="block").value == block + 1
    opposed = units_of(block_weights(model, block)).partner_cosine
    assert opposed[app.number_input(key="unit").value] == opposed.min() <= OPPOSING_COSINE
    assert shows(atlas(app)[0], block_weights(model, block).w1)


def test_what_may_stand_beside_it() -> None:
    assert open_page().selectbox(key="beside").options == [NOTHING, *LABELS, *OTHERS]


def test_every_order_and_part_shows_the_weights_of_the_block(model: MlpMixer, pixels: torch.Tensor) -> None:
    weights = block_weights(model, BLOCK)
    units = units_of(weights)
    effects = unit_effect.unit_effects(model, pixels, BLOCK)
    app = open_page(block=str(BLOCK + 1), image="Cat")
    parts = {"W₁": [weights.w1], "W₂": [weights.w2.T], "Both": [weights.w1, weights.w2.T]}
    seen = []
    for at, (name, order) in enumerate(ORDERS.items()):
        app.button_group(key="order").set_value(name)
        part = list(parts)[at % 3]
        app.button_group(key="show_weights").set_value(part).run()
        check(app)
        wanted = unit_order(units, order, effects)
        assert len(atlas(app)) == len(parts[part])
        for grid, rows in zip(atlas(app), parts[part], strict=True):
            assert grid["ids"] == wanted.tolist()
            assert [int(text.split(":")[0].removeprefix("unit ")) for text in grid["hover"]] == wanted.tolist()
            assert shows(grid, rows)
            assert grid["group"] == (2 if order == "pairs" else 1)
        seen.append(tuple(wanted.tolist()))
    assert len(set(seen)) == len(ORDERS)


@pytest.mark.parametrize("part", ["W₁", "W₂"])
def test_colour_scale_of_one_unit_a_block_or_all_blocks(part: str, model: MlpMixer) -> None:
    app = open_page(block=str(BLOCK + 1), show_weights=part)
    blocks = [block_weights(model, block) for block in range(model.config.num_blocks)]
    peaks = [float(np.abs(block.w1 if part == "W₁" else block.w2).max()) for block in blocks]
    for scale, limit in zip(SCALES, (None, peaks[BLOCK], max(peaks)), strict=True):
        app.button_group(key="scale").set_value(scale).run()
        check(app)
        (grid,) = atlas(app)
        assert grid["limits"] == (None if limit is None else [[-limit, limit]])
        printed = floats(grid["shape"])[-1]
        assert printed == pytest.approx(limit or np.abs(tiles(grid)[0]).max(), rel=0.06)


def test_every_snapshot_can_stand_beside_the_model(model: MlpMixer) -> None:
    if not LABELS:
        pytest.skip("the bundled model has no snapshots")
    app = open_page(block=str(BLOCK + 1))
    plain = atlas(app)[0]["values"]
    own = block_weights(model, BLOCK)
    pictures = []
    for label in LABELS:
        app.selectbox(key="beside").select(label).run()
        check(app)
        mine, theirs = atlas(app)
        assert mine["values"] == plain
        assert shows(mine, own.w1)
        assert (label in theirs["title"], label in mine["title"]) == (True, False)
        assert mine["ids"] == theirs["ids"]  # one unit, one place
        pictures.append(theirs["values"])
    assert len(set(pictures)) == len(LABELS)
    app.button_group(key="show_weights").set_value("Both")
    app.button_group(key="scale").set_value("This block").run()
    check(app)
    reads, writes, their_reads, their_writes = atlas(app)
    assert reads["limits"] == their_reads["limits"]
    assert writes["limits"] == their_writes["limits"]
    limit = reads["limits"][0][1]
    assert limit == pytest.approx(max(np.abs(tiles(grid)[0]).max() for grid in (reads, their_reads)))


@pytest.mark.own_caches
def test_a_network_beside_this_one_may_have_fewer_blocks(
    make_model: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, blocks in (("deep", 3), ("flat", 1)):
        save_model(make_model(num_blocks=blocks, tokens_mlp_dim=4 + blocks), tmp_path / f"{name}.safetensors")
        card = {"name": name, "description": name, "accuracy": None, "accuracy_note": "not measured"}
        (tmp_path / f"{name}.json").write_text(json.dumps(card))
    monkeypatch.setattr(bundled, "ASSETS_DIR", tmp_path)
    app = open_page(model="deep", beside="flat")
    check(app)
    assert [grid["count"] for grid in atlas(app)] == [7, 5]  # another order, as these are other units
    assert sorted(atlas(app)[1]["ids"]) == list(range(5))
    for order in ORDERS:
        app.button_group(key="order").set_value(order).run()
        check(app)
    app.number_input(key="block").set_value(3).run()
    check(app)
    assert len(atlas(app)) == 1
    (warning,) = app.warning
    assert "flat has 1 block" in warning.value
    app.selectbox(key="model").select("flat").run()
    check(app)
    assert app.number_input(key="block").value == 1


def test_link_restores_what_it_names(model: MlpMixer) -> None:
    beside = LABELS[1] if LABELS else NOTHING
    query = {"order": "Frequency", "show_weights": "W₂", "scale": "All blocks", "beside": beside}
    app = open_page(block=str(BLOCK + 1), unit=str(UNIT), token=str(TOKEN), image="Cup of coffee", **query)
    check(app)
    assert [app.number_input(key=key).value for key in ("block", "unit", "token")] == [BLOCK + 1, UNIT, TOKEN]
    assert [app.button_group(key=key).value for key in ("order", "show_weights", "scale")] == list(query.values())[:3]
    assert app.selectbox(key="beside").value == beside
    assert app.selectbox(key="image").value == "Cup of coffee"
    weights = block_weights(model, BLOCK)
    assert (panel(app, "atlas")["selected"], panel(app, "talk")["selected"]) == (UNIT, TOKEN)
    assert atlas(app)[0]["ids"] == unit_order(units_of(weights), "frequency").tolist()
    assert shows(atlas(app)[0], weights.w2.T)
    reads, writes = panel(app, "unit-maps")["grids"][:2]
    assert np.array_equal(numbers(reads), weights.w1[UNIT])
    assert np.array_equal(numbers(writes), weights.w2[:, UNIT])


def test_link_full_of_nonsense() -> None:
    app = open_page(block="99", unit="-3", token="x", order="<script>", show_weights="W3", scale="x", beside="nothing")
    check(app)
    assert app.number_input(key="block").value == BEGINS_WITH["mixer_cifar10"] + 1
    assert app.selectbox(key="beside").value == NOTHING
    assert [app.button_group(key=key).value for key in ("order", "show_weights", "scale")] == [
        *(next(iter(ORDERS)), "W₁", "Each unit")
    ]


@pytest.mark.parametrize("key", ["order", "show_weights", "scale"])
def test_link_with_an_empty_choice(key: str) -> None:
    app = open_page(**{key: ""})
    check(app)
    assert atlas(app)[0]["values"] == atlas(open_page())[0]["values"]
