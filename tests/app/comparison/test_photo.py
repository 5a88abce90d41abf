"""The page "Token mixers compared": a page without networks, and one photo through all of them."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import numpy as np
import pytest

from mixer_viz.analysis.comparison.token_jacobian import metaformer_jacobian
from mixer_viz.analysis.receptive_field import metaformer_receptive_field
from mixer_viz.checkpoints import bundled, hub
from mixer_viz.checkpoints.metaformer_runs import metaformer_runs
from mixer_viz.figures.comparison.maps import shared_limits
from mixer_viz.model import TOKEN_MIXERS
from mixer_viz.texts import comparison as texts
from tests.app.comparison.driving import (
    BLOCKS,
    GRID,
    NAMES,
    PHOTO,
    REORDERED,
    SWAPPED,
    TOKENS,
    check,
    made_assets,
    maps,
    network_of,
    open_page,
    pixels_of,
    table,
    texts_of,
    titles,
    write_networks,
)
from tests.app.driving import errors, panel, panel_is_there

pytestmark = pytest.mark.own_caches  # each with networks of its own

MIDDLE = TOKENS // 2 + GRID // 2
PARTS = {PHOTO: "All patches", SWAPPED: "How good the stand-ins are"}


@pytest.fixture(autouse=True)
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = made_assets(tmp_path)
    monkeypatch.setattr(bundled, "ASSETS_DIR", folder)
    return folder


@pytest.fixture
def made(assets: Path) -> None:
    write_networks(assets)


def test_without_any_networks_swapping_still_works() -> None:
    app = check(open_page(PHOTO))
    assert [info.value for info in app.info] == [texts.NOTHING_HERE]
    assert not any(group.key == "part" for group in app.button_group)
    assert {button.key for button in app.get("download_button")} == {"stand-ins-npz", "stand-ins-csv"}
    assert len(table(app, "explained on this picture")["block"]) == 1


@pytest.mark.usefixtures("made")
def test_a_model_that_cannot_be_had_stops_only_the_part_that_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline() -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(hub, "_check_network", offline)
    app = open_page(PHOTO, model="mixer_b16_224.goog_in21k_ft_in1k")
    assert len(errors(app)) == 1
    assert table(app, "says", "probability")["token mixer"] == titles()
    app.button_group(key="part").set_value(SWAPPED).run()
    assert len(errors(app)) == 1
    assert not any(field.key == "swap_blocks" for field in app.multiselect)


@pytest.mark.parametrize(
    ("text", "words"),
    [('{"runs": [3]}', "no list of entries"), ("{", "not"), ('{"runs": [{"file": "x.safetensors"}]}', "no number")],
)
def test_a_broken_card_is_said_in_one_sentence(text: str, words: str, assets: Path) -> None:
    (assets / "compared").mkdir()
    (assets / "compared" / "compared.json").write_text(text, encoding="utf-8")
    (sentence,) = errors(open_page(PHOTO))
    assert words in sentence
    assert sentence.endswith(".")


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("part", PARTS)
def test_part_opens_from_a_link(part: str) -> None:
    app = check(open_page(part))
    assert app.button_group(key="part").value == part
    assert PARTS[part] in [heading.value for heading in app.subheader]
    assert not app.info


@pytest.mark.usefixtures("made")
def test_answers_of_every_network_in_the_order_of_the_table() -> None:
    shown = table(check(open_page()), "says")
    assert shown["token mixer"] == titles()
    runs = {run.token_mixer: run for run in metaformer_runs() if run.path is not None and run.permutation == "none"}
    for place, name in enumerate(NAMES):
        probabilities = network_of(name)(pixels_of())[0].softmax(dim=0)
        assert shown["says"][place] == f"class {int(probabilities.argmax())}"
        assert shown["probability"][place] == f"{100 * float(probabilities.max()):.1f} %"
        assert shown["right on the test images (one training)"][place] == f"{runs[name].accuracy:.1f} %"
        assert shown["from"][place] == TOKEN_MIXERS[name].source


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("signed", [False, True])
def test_who_the_patch_listens_to(signed: bool) -> None:
    app = check(open_page())
    if signed:
        app.button_group(key="listening").set_value("With its sign").run()
    for block, token in ((0, MIDDLE), (1, 3)):
        app.number_input(key="block").set_value(block + 1)
        app.number_input(key="token").set_value(token)
        check(app.run())
        shown, scales = maps(app, "compared-listening"), panel(app, "compared-listening")
        assert list(shown) == titles()
        assert scales["selected"] == token
        for name, title in zip(NAMES, titles(), strict=True):
            real = metaformer_jacobian(network_of(name), pixels_of(), block)
            wanted = real.same_channel[token] if signed else 100 * real.share[token]
            np.testing.assert_allclose(shown[title], wanted, rtol=1e-4, atol=1e-5)
        (limits,) = {tuple(grid["limits"][0]) for grid in scales["grids"]}
        assert limits[0] == (-limits[1] if signed else 0)
    assert (texts.SIGNED_NOTE if signed else texts.SHARE_NOTE) in texts_of(app)


@pytest.mark.usefixtures("made")
def test_matrices_of_all_patches_and_what_they_keep() -> None:
    app = check(open_page(block="2"))
    shown, text = maps(app, "compared-matrices"), texts_of(app)
    for name, title in zip(NAMES, titles(), strict=True):
        share = metaformer_jacobian(network_of(name), pixels_of(), 1).share
        np.testing.assert_allclose(shown[title].reshape(share.shape), 100 * share, rtol=1e-4, atol=1e-5)
        assert f"{title} {100 * np.diag(share).mean():.0f} %" in text
    np.testing.assert_array_equal(shown[TOKEN_MIXERS["identity"].title].reshape(TOKENS, TOKENS), 100 * np.eye(TOKENS))


@pytest.mark.usefixtures("made")
def test_receptive_fields_and_how_much_holds_half() -> None:
    app = check(open_page(token="5"))
    areas = table(app, "block 1")
    assert areas["half in, % of all patches"] == titles()
    for place, name in enumerate(NAMES):
        real = metaformer_receptive_field(network_of(name), pixels_of(), 5)
        shown = maps(app, f"compared-field-{place}")
        assert list(shown) == [f"Block {block}" for block in range(1, BLOCKS + 1)]
        for block in range(1, BLOCKS + 1):
            np.testing.assert_allclose(shown[f"Block {block}"], 100 * real.maps[block], rtol=1e-3, atol=1e-4)
            assert float(areas[f"block {block}"][place]) == pytest.approx(100 * real.area[block, 1], abs=0.051)
    assert f"**{titles()[-1]}**" in texts_of(app)


@pytest.mark.usefixtures("made")
def test_link_restores_block_patch_and_sign_and_nonsense_harms_nobody() -> None:
    app = check(open_page(block="2", token="7", listening="With its sign"))
    assert [app.number_input(key=key).value for key in ("block", "token")] == [2, 7]
    assert app.button_group(key="listening").value == "With its sign"
    app = check(open_page("Nowhere", block="99", token="-3", listening="?"))
    assert app.button_group(key="part").value == PHOTO
    assert 1 <= app.number_input(key="block").value <= BLOCKS
    assert 0 <= app.number_input(key="token").value < TOKENS


@pytest.mark.usefixtures("made")
def test_another_picture_changes_what_is_shown() -> None:
    cat, other = check(open_page()), check(open_page(image="Astronaut"))
    name, title = "attention", TOKEN_MIXERS["attention"].title
    assert not np.allclose(maps(cat, "compared-listening")[title], maps(other, "compared-listening")[title])
    share = metaformer_jacobian(network_of(name), pixels_of("astronaut"), 0).share
    np.testing.assert_allclose(maps(other, "compared-listening")[title], 100 * share[MIDDLE], rtol=1e-4, atol=1e-5)


def test_a_card_without_any_weights_is_as_good_as_none(assets: Path) -> None:
    write_networks(assets)
    card = json.loads((assets / "compared" / "compared.json").read_text(encoding="utf-8"))
    for entry in card["runs"]:
        entry.pop("file", None)
    (assets / "compared" / "compared.json").write_text(json.dumps(card), encoding="utf-8")
    assert texts.NOTHING_HERE in [info.value for info in check(open_page()).info]


def test_a_single_network_is_enough(assets: Path) -> None:
    write_networks(assets, ("shift",), reordered=False)
    app = check(open_page())
    assert list(maps(app, "compared-listening")) == titles(("shift",))
    app.button_group(key="part").set_value(REORDERED).run()
    assert [info.value for info in check(app).info] == [texts.NOTHING_PERMUTED]
    assert not panel_is_there(app, "permuted-pictures")


@pytest.mark.usefixtures("made")
def test_attention_shows_the_weights_of_its_heads_too() -> None:
    app = check(open_page(block="2", token="3"))
    weights = metaformer_jacobian(network_of("attention"), pixels_of(), 1).attention
    assert weights is not None
    shown = maps(app, "compared-heads")
    assert list(shown) == ["Head 1", "Head 2"]
    for values, rows in zip(shown.values(), weights, strict=True):
        np.testing.assert_allclose(values, 100 * rows[3], rtol=1e-5)
    assert texts.HEADS_NOTE in texts_of(app)


@pytest.mark.usefixtures("made")
def test_signed_maps_on_scales_of_their_own() -> None:
    app = check(open_page(listening="With its sign, own scales", block="2", token="3"))
    for grid, name in zip(panel(app, "compared-matrices")["grids"], NAMES, strict=True):
        real = metaformer_jacobian(network_of(name), pixels_of(), 1).same_channel
        np.testing.assert_allclose(grid["limits"][0], shared_limits([real], signed=True), rtol=1e-6)
    limits = [grid["limits"][0] for grid in panel(app, "compared-listening")["grids"]]
    assert len({tuple(pair) for pair in limits}) > 1
