"""What a unit wants, on the page: the closed form in block 1, and the search behind its button."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from mixer_viz.analysis.token_mixing.maximise import activations_of, maximise
from mixer_viz.analysis.token_mixing.objective import Objective
from mixer_viz.analysis.token_mixing.preferred import as_picture, preferred_picture
from mixer_viz.images import crop_image
from mixer_viz.images.samples import available_samples, load_sample
from mixer_viz.model import MlpMixer
from mixer_viz.survey.bundled import training_statistics
from mixer_viz.ui.choices import ChosenModel
from mixer_viz.ui.compute.jobs import job_table
from mixer_viz.ui.token_mixing import preferred_results
from tests.app.driving import BUNDLED, errors, panel
from tests.app.token_mixing.driving import check, open_page


def words(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.caption])


def test_block_1_shows_the_closed_form_and_what_it_reaches(model: MlpMixer) -> None:
    app = open_page(block="1", unit="17", channel="5", image="Cat")
    check(app)
    found = preferred_picture(model, 17, 5)
    pictures = np.stack([as_picture(each, model.config.std) for each in (found.plain, found.normed)])
    first, second = activations_of(model, pictures, Objective(kind="token unit", index=17, at=5))
    assert f"{first:+.3g} for the left picture, {second:+.3g} for the right" in words(app)
    assert panel(app, "preferred")["grids"][0]["title"] == "Unit 17, channel 5"


def test_other_blocks_say_that_they_have_none() -> None:
    app = open_page(block="3", unit="17")
    assert "Only block 1 has a preferred picture" in words(app)
    assert app.number_input(key="channel").value is not None


def test_the_search_starts_with_its_button_and_shows_what_it_reached(
    model: MlpMixer, pixels: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preferred_results, "STEPS", 6)
    monkeypatch.setattr(preferred_results, "STARTS", 2)
    app = open_page(block="3", unit="17", search_seed="3", image="Cat")
    assert not [each for each in app.get("bidi_component") if "maximised" in str(each.proto.id)]
    app.button(key="search").click().run()
    for _ in range(100):
        if job_table().waiting == 0 and "best picture found" in words(app):
            break
        time.sleep(0.1)
        app.run()
    assert errors(app) == []
    objective = Objective(kind="token unit", index=17, place=2)
    titles = [grid["title"] for grid in panel(app, "maximised")["grids"]]
    assert titles == ["Found 1", "Found 2", "Best real photo here"]
    photos = [each.name for each in available_samples() if each.kind == "photo"]
    crops = np.stack([np.asarray(crop_image(load_sample(name), model.config)) for name in photos])
    best = activations_of(model, crops, objective).max()
    assert f"photos here reaches **{best:.3g}**" in words(app)
    spectrum = preferred_results.spectrum_for(ChosenModel(BUNDLED, BUNDLED, model))
    again = maximise(model, objective, spectrum=spectrum, starts=2, steps=6, seed=3)
    assert f"the best picture found reaches **{again.best:.3g}**" in words(app)


def test_a_class_and_a_channel_can_be_excited_as_well() -> None:
    app = open_page(block="3", excite="A class", search_class="cat")
    assert errors(app) == []
    assert app.selectbox(key="search_class").value == "cat"
    assert app.button(key="search").label.startswith("Look for it (about")


def test_a_unit_of_channel_mixing_can_be_excited(
    model: MlpMixer, pixels: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preferred_results, "STEPS", 4)
    monkeypatch.setattr(preferred_results, "STARTS", 1)
    app = open_page(block="2", excite="channel-unit", wanted_unit="33", image="Cat")
    assert errors(app) == []
    app.button(key="search").click().run()
    for _ in range(100):
        if "best picture found" in words(app):
            break
        time.sleep(0.1)
        app.run()
    assert "Unit 33 of channel mixing in block 2, after GELU, mean over all patches" in words(app)
    chosen = ChosenModel(BUNDLED, BUNDLED, model)
    objective = Objective(kind="channel unit", index=33, place=1)
    found = maximise(model, objective, spectrum=preferred_results.spectrum_for(chosen), starts=1, steps=4)
    assert f"the best picture found reaches **{found.best:.3g}**" in words(app)
    known = training_statistics(BUNDLED)
    top = None if known is None else known.of(objective, model.config.channels_mlp_dim)
    assert (top is None) == ("training images" not in words(app).split("best picture found")[1].split("starts of")[0])
