"""The page of the learned token-mixing weights: widgets, links, own checkpoints, and numbers that can be checked."""

from __future__ import annotations

import base64
import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash
from timm.models.mlp_mixer import Affine, ResBlock
from timm.models.mlp_mixer import MlpMixer as TimmMixer

import mixer_viz as mv
from mixer_viz.analysis import jacobian, overview, unit_effect
from mixer_viz.analysis.mixing_matrix import linear_mixing
from mixer_viz.analysis.pairing import OPPOSING_COSINE, best_opposing_cosine
from mixer_viz.analysis.token_mixing import block_weights, unit_order, units_of
from mixer_viz.checkpoints import available_models, bundled, save_model
from mixer_viz.checkpoints.snapshots import snapshots_of
from mixer_viz.model import MlpMixer
from mixer_viz.samples import load_sample
from mixer_viz.ui.atlas import NOTHING, ORDERS, SCALES
from mixer_viz.ui.cached_mixing import FACTORS
from tests.app.driving import ROOT, TIMEOUT, errors, go, numbers, panel, upload_weights
from tests.checkpoints.checkpoint_files import timm_tensors
from tests.made_models import block_of

ADDRESS = "token_mixing"
BUNDLED = next(info.name for info in available_models() if info.on_disk)
LABELS = [snapshot.label for snapshot in snapshots_of(BUNDLED)]
BLOCK, UNIT, TOKEN = 2, 17, 9  # counted from 0
UNKNOWN = {"mean": None, "std": None, "interpolation": None, "crop_pct": None, "class_names": None}

Make = Callable[..., MlpMixer]


def open_page(**query: str) -> AppTest:
    """A new visitor who opens a link to the page."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    for name, value in query.items():
        app.query_params[name] = value
    # What `switch_page` does once a first run has told it the address of the page, which is not the file's name.
    app._page_hash = calc_hash(ADDRESS)
    return app.run()


@pytest.fixture(scope="module")
def model() -> MlpMixer:
    return mv.load_model(BUNDLED, "cpu")


@pytest.fixture
def pixels(model: MlpMixer) -> torch.Tensor:
    return mv.preprocess(load_sample("cat"), model)


def check(app: AppTest) -> None:
    """The whole page is there, to its last line, and without an error."""
    assert errors(app) == []
    for key in ("atlas", "unit-maps", "activation", "talk", "field", "convolution"):
        assert panel(app, key)["grids"]
    assert {box.label for box in app.expander} >= {"In the formula", "What these pictures do not prove"}
    keys = {f"token-mixing-{kind}" for kind in ("png", "svg", "pdf", "npz", "csv")}
    assert keys <= {button.key for button in app.get("download_button")}
    charts = [chart.proto.id.rsplit("-", 1)[1] for chart in app.get("plotly_chart")]
    assert {"areas", "depth", "singular", "distance", "own"} <= set(charts)


def atlas(app: AppTest) -> list[dict[str, Any]]:
    return panel(app, "atlas")["grids"]


def tiles(grid: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Weights of an atlas by the number of the unit, (D_S, S), as the browser has them, and half a step of each."""
    peaks = np.frombuffer(base64.b64decode(grid["peaks"]), "<f4")[:, None]
    levels = np.frombuffer(base64.b64decode(grid["values"]), np.uint8).reshape(len(peaks), -1)
    place = np.argsort(grid["ids"])
    return ((levels - 128.0) / 127 * peaks)[place], (peaks / 254 * 1.001)[place]


def shows(grid: dict[str, Any], weights: np.ndarray) -> bool:
    found, step = tiles(grid)
    return bool((np.abs(found - weights) <= step).all())


def frame(app: AppTest, index: int, block: int) -> np.ndarray:
    """One of the maps of "who talks to whom" in one block."""
    grid = panel(app, "talk")["grids"][index]
    return numbers(grid).reshape(grid["frames"], -1)[block]


def tables(app: AppTest) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The numbers of the unit, and the answers with the unit scaled."""
    numbers_of_unit, answers = (table.value for table in app.table)
    return (
        dict(zip(numbers_of_unit.iloc[:, 0], numbers_of_unit.iloc[:, 1], strict=True)),
        {str(column): answers[column].tolist() for column in answers.columns},
    )


def floats(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"[-+]?\d[\d.]*(?:e[-+]?\d+)?", text)]


def percent(texts: list[str]) -> list[float]:
    return [float(text.removesuffix(" %")) for text in texts]


def most_paired(model: MlpMixer) -> int:
    """The block with most units in opposing pairs, counted from 0."""
    blocks = [units_of(block_weights(model, block)) for block in range(model.config.num_blocks)]
    return int(np.argmax([(units.partner_cosine <= OPPOSING_COSINE).sum() for units in blocks]))


def test_first_visit_opens_at_the_most_paired_block(model: MlpMixer) -> None:
    app = open_page()
    check(app)
    block = most_paired(model)
    assert app.number_input(key="block").value == block + 1
    opposed = units_of(block_weights(model, block)).partner_cosine
    assert opposed[app.number_input(key="unit").value] == opposed.min() <= OPPOSING_COSINE
    assert shows(atlas(app)[0], block_weights(model, most_paired(model)).w1)
    assert app.selectbox(key="beside").options == [NOTHING, *LABELS]


def test_every_order_and_part_shows_the_weights_of_the_block(model: MlpMixer, pixels: torch.Tensor) -> None:
    weights = block_weights(model, BLOCK)
    units = units_of(weights)
    effects = unit_effect.unit_effects(model, pixels, BLOCK)
    app = open_page(block=str(BLOCK + 1), image="Cat")
    parts = {"W1": [weights.w1], "W2": [weights.w2.T], "Both": [weights.w1, weights.w2.T]}
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


@pytest.mark.parametrize("part", ["W1", "W2"])
def test_colour_scale_of_one_unit_a_block_or_all_blocks(part: str, model: MlpMixer) -> None:
    app = open_page(block=str(BLOCK + 1), show_weights=part)
    blocks = [block_weights(model, block) for block in range(model.config.num_blocks)]
    peaks = [float(np.abs(block.w1 if part == "W1" else block.w2).max()) for block in blocks]
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
    query = {"order": "Frequency", "show_weights": "W2", "scale": "All blocks", "beside": beside}
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


def test_link_full_of_nonsense(model: MlpMixer) -> None:
    app = open_page(block="99", unit="-3", token="x", order="<script>", show_weights="W3", scale="x", beside="nothing")
    check(app)
    assert app.number_input(key="block").value == most_paired(model) + 1
    assert app.selectbox(key="beside").value == NOTHING
    assert [app.button_group(key=key).value for key in ("order", "show_weights", "scale")] == [
        *(next(iter(ORDERS)), "W1", SCALES[0])
    ]


@pytest.mark.parametrize("key", ["order", "show_weights", "scale"])
def test_link_with_an_empty_choice(key: str) -> None:
    app = open_page(**{key: ""})
    check(app)
    assert atlas(app)[0]["values"] == atlas(open_page())[0]["values"]


def test_numbers_of_the_unit_are_those_of_the_analysis(model: MlpMixer, pixels: torch.Tensor) -> None:
    app = open_page(block=str(BLOCK + 1), unit=str(UNIT), image="Cat")
    weights = block_weights(model, BLOCK)
    units = units_of(weights)
    rows = [floats(text.replace("W₁", "").replace("W₂", "")) for text in tables(app)[0].values()]
    wanted = [
        [units.frequency[UNIT]],
        [units.orientation[UNIT], 100 * units.orientation_strength[UNIT]],
        [units.locality[UNIT]],
        [units.norm1[UNIT], units.norm2[UNIT]],
        [5, 100 * units.sparsity1[UNIT], 100 * units.sparsity2[UNIT]][1:],
        [best_opposing_cosine(weights.w1)[UNIT]],
        [units.likeness[UNIT]],
        [weights.b1[UNIT]],
        [unit_effect.unit_effects(model, pixels, BLOCK)[UNIT]],
    ]
    for found, expected, places in zip(rows, wanted, (3, 0, 2, 3, 0, 2, 2, 4, 4), strict=True):
        assert found == pytest.approx(expected, abs=0.51 * 10.0**-places, rel=0.006)
    titles = " ".join(grid["title"] for grid in panel(app, "unit-maps")["grids"])
    assert f"unit {units.partner[UNIT]}" in titles
    assert f"{units.partner_cosine[UNIT]:+.2f}" in panel(app, "unit-maps")["grids"][2]["shape"]


def test_activation_is_that_of_the_unit_on_this_picture(model: MlpMixer, pixels: torch.Tensor) -> None:
    app = open_page(block=str(BLOCK + 1), unit=str(UNIT), image="Cat")
    wanted = mv.trace(model, pixels).blocks[BLOCK].tokens_hidden[0, :, UNIT]
    np.testing.assert_allclose(numbers(panel(app, "activation")["grids"][0]), wanted, rtol=1e-4, atol=1e-6)


def test_unchanged_means_the_answer_of_the_overview(model: MlpMixer, pixels: torch.Tensor) -> None:
    app = open_page(block=str(BLOCK + 1), unit=str(UNIT), image="Cat")
    answers = tables(app)[1]
    assert list(answers) == ["class", "unit off", "× 0.5", "unchanged", "× 2", "× 4"]
    assert len(FACTORS) == len(answers) - 1
    first = overview.overview_of(mv.trace(model, pixels))
    go(app, "overview")
    names = json.loads(app.get("plotly_chart")[0].proto.spec)["data"][0]
    assert answers["class"] == names["hovertext"]
    assert answers["unchanged"] == names["text"]
    assert percent(answers["unchanged"])[0] == pytest.approx(100 * first.top_probabilities[0], abs=0.051)


def test_switched_off_means_a_model_without_that_column_of_w2(model: MlpMixer, pixels: torch.Tensor) -> None:
    """Of the unit with the largest effect, so that there is something to see."""
    unit = int(np.abs(unit_effect.unit_effects(model, pixels, BLOCK)).argmax())
    app = open_page(block=str(BLOCK + 1), unit=str(unit), image="Cat")
    answers = tables(app)[1]
    names = list(model.config.class_names)
    changed = []
    for title, factor in (("unit off", 0.0), ("× 4", 4.0)):
        other = copy.deepcopy(model)
        with torch.no_grad():
            block_of(other, BLOCK).token_mixing.fc2.weight[:, unit] *= factor
            probabilities = other(pixels)[0].double().softmax(dim=0)
        wanted = [100 * float(probabilities[names.index(name)]) for name in answers["class"]]
        assert percent(answers[title]) == pytest.approx(wanted, abs=0.06)
        changed.append(answers[title] != answers["unchanged"])
    assert any(changed)


def test_who_talks_to_whom_is_of_the_selected_patch(model: MlpMixer, pixels: torch.Tensor) -> None:
    app = open_page(token=str(TOKEN), block=str(BLOCK + 1), image="Cat")
    before = panel(app, "atlas")
    for token in (TOKEN, 20):
        app.number_input(key="token").set_value(token).run()
        check(app)
        talk = panel(app, "talk")
        assert (talk["selected"], talk["frame"], len(talk["frames"])) == (token, BLOCK, model.config.num_blocks)
        wanted = jacobian.listening_of(model, mv.trace(model, pixels), token)
        matrix = linear_mixing(block_weights(model, BLOCK))
        np.testing.assert_allclose(frame(app, 1, BLOCK), matrix[token], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(frame(app, 2, BLOCK), matrix[:, token], rtol=1e-5, atol=1e-6)
        for block in range(model.config.num_blocks):
            for index, values in enumerate((wanted.image_in, wanted.image_out, wanted.norm_in, wanted.norm_out), 3):
                np.testing.assert_allclose(frame(app, index, block), values[block], rtol=1e-3, atol=1e-5)
    assert panel(app, "atlas") == before  # Streamlit then sends nothing of it


def test_the_selected_unit_moves_the_mark_and_sends_the_pictures_of_the_rest_unchanged() -> None:
    app = open_page()
    before = {key: panel(app, key) for key in ("talk", "field", "convolution")}
    grids, maps = atlas(app), panel(app, "unit-maps")
    app.number_input(key="unit").set_value(UNIT).run()
    check(app)
    assert panel(app, "atlas")["selected"] == UNIT
    assert atlas(app) == grids
    assert panel(app, "unit-maps") != maps
    assert {key: panel(app, key) for key in before} == before


def test_receptive_field_can_be_averaged() -> None:
    app = open_page(image="Rocket launch")
    alone = panel(app, "field")["grids"][0]
    assert len(alone["notes"]) == alone["frames"] == len(panel(app, "field")["frames"])
    app.toggle(key="average").set_value(True).run()
    check(app)
    assert panel(app, "field")["grids"][0]["values"] != alone["values"]


def own_file(model: MlpMixer, tmp_path: Path) -> bytes:
    save_model(model, tmp_path / "own.safetensors")
    return (tmp_path / "own.safetensors").read_bytes()


def test_selection_beyond_the_new_models_last_is_clamped(make_model: Make, tmp_path: Path) -> None:
    app = open_page(block="8", unit="100", token="63")
    check(upload_weights(app, "own.safetensors", own_file(make_model(), tmp_path)))
    assert [app.number_input(key=key).value for key in ("block", "unit", "token")] == [2, 4, 15]
    assert [app.number_input(key=key).max for key in ("block", "unit", "token")] == [2, 4, 15]
    assert panel(app, "atlas")["selected"] == 4


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
    assert sorted(tables(app)[1]["class"]) == [f"class {index} (name unknown)" for index in range(3)]
    assert app.selectbox(key="beside").options == [NOTHING, BUNDLED]
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
