"""A survey opened on the page of the token-mixing weights: what it says of a unit, and on the other pages."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from made_models import random_model
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from mixer_viz.checkpoints import save_model
from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.survey import cli
from mixer_viz.survey.output import Survey, read_survey
from mixer_viz.survey.output import write_survey as store
from mixer_viz.ui.compute.jobs import job_table
from tests.app.driving import BUNDLED, errors, numbers, panel, panel_is_there
from tests.app.token_mixing.driving import check, open_page
from tests.app.token_mixing.test_preferred import words
from tests.survey.made_folders import write_pictures


def write_survey(folder: Path, *more: str) -> Survey:
    data = write_pictures(folder / "data", 12, side=32, classes=("cat", "dog", "ship"))
    given = ["--data", str(data), "--out", str(folder / "out"), "--closer", "1", "--methods", "saliency"]
    assert cli.main([*given, "--device", "cpu", *more]) == 0
    return read_survey(folder / "out")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Survey]:
    folder = tmp_path_factory.mktemp("survey")
    return folder / "out", write_survey(folder)


def files_of(folder: Path) -> list[tuple[str, bytes, str]]:
    return [(path.name, path.read_bytes(), "application/octet-stream") for path in sorted(folder.iterdir())]


def test_a_survey_says_what_the_unit_does_on_many_pictures(model: MlpMixer, opened: tuple[Path, Survey]) -> None:
    folder, survey = opened
    app = open_page(block="3", unit="17", image="Cat")
    app.file_uploader(key="survey_files").set_value(files_of(folder)).run()
    check(app)
    told = words(app)
    assert "Survey of 12 pictures by mixer" in told
    row = 2 * model.config.tokens_mlp_dim + 17
    mean, std = (survey.units("token_units", name)[row] for name in ("mean", "std"))
    assert f"Over 12 pictures the unit's activation (mean over the channels) is {mean:.3g} ± {std:.2g}" in told
    top = panel(app, "survey-top")["grids"]
    assert [grid["notes"][0] for grid in top] == [
        f"activation {value:.3g}" for value in survey.units("token_units", "top")[row, :6]
    ]
    assert len(panel(app, "survey-quantiles")["grids"]) == 5
    listening = panel(app, "survey-means")["grids"][0]
    assert listening["frames"] == model.config.num_blocks
    field = panel(app, "survey-reach")["grids"][0]
    wanted = 100 * survey.arrays["receptive_field.maps"]
    np.testing.assert_allclose(numbers(field), np.nan_to_num(wanted).ravel(), rtol=1e-4)
    app.button(key="close_survey").click().run()
    assert "Survey of 12 pictures" not in words(app)


def test_damaged_files_and_surveys_of_other_models_are_told(
    opened: tuple[Path, Survey], tiny_config: MixerConfig, tmp_path: Path
) -> None:
    app = open_page(block="3", unit="17")
    files = files_of(opened[0])
    app.file_uploader(key="survey_files").set_value(files[:3]).run()
    assert any("There is no survey.json here" in each for each in errors(app))
    save_model(random_model(tiny_config).float(), tmp_path / "tiny.safetensors")
    write_survey(tmp_path, "--model", str(tmp_path / "tiny.safetensors"))
    app.file_uploader(key="survey_files").set_value(files_of(tmp_path / "out")).run()
    assert errors(app) == []
    assert "It is of a Mixer with other sizes or classes than" in words(app)
    assert np.isfinite(read_survey(tmp_path / "out").units("channels", "mean")).all()


def made_folder(folder: Path) -> list[tuple[str, bytes, str]]:
    data = write_pictures(folder / "data", 12, side=32, classes=("cat", "dog", "nothing known"))
    (data / "cat" / "broken.png").write_bytes(b"no picture")
    return [(path.relative_to(data).as_posix(), path.read_bytes(), "image/png") for path in sorted(data.rglob("*.png"))]


def finished(app: AppTest) -> None:
    for _ in range(300):
        if "Survey of" in words(app):
            return
        time.sleep(0.1)
        app.run()
    raise AssertionError("the survey did not end")


def test_a_survey_made_in_the_app_is_that_of_the_command(model: MlpMixer, tmp_path: Path) -> None:
    app = open_page(block="3", unit="17", image="Cat", survey_from="here")
    app.file_uploader(key="labelled_folder").set_value(made_folder(tmp_path)).run()
    assert errors(app) == []
    assert app.button(key="survey_here").label.startswith("Survey its 13 pictures (about")
    app.button(key="survey_here").click().run()
    finished(app)
    check(app)
    given = ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "out"), "--closer", "4", "--methods", ""]
    assert cli.main([*given, "--device", "cpu"]) == 0
    wanted = read_survey(tmp_path / "out")
    made = app.session_state["_survey"][0]
    assert made.about == wanted.about | {"versions": made.about["versions"]}
    row = 2 * model.config.tokens_mlp_dim + 17
    mean, std = (wanted.units("token_units", name)[row] for name in ("mean", "std"))
    assert f"Over 12 pictures the unit's activation (mean over the channels) is {mean:.3g} ± {std:.2g}" in words(app)
    top = panel(app, "survey-top")["grids"]
    assert [grid["notes"][0] for grid in top] == [
        f"activation {value:.3g}" for value in wanted.units("token_units", "top")[row, :6]
    ]
    assert "survey_here" not in {button.key for button in app.button}
    assert not [key for key in job_table()._jobs if key[0] == "survey"]  # nothing outlasts the visit
    app.button(key="close_survey").click().run()
    assert "Survey of 12 pictures" not in words(app)
    assert app.button(key="survey_here").label.startswith("Survey its 13 pictures")


def test_pictures_without_classes_and_files_that_are_none(tmp_path: Path) -> None:
    app = open_page(block="3", unit="17", survey_from="here")
    files = [(Path(name).name, data, kind) for name, data, kind in made_folder(tmp_path)]
    app.file_uploader(key="labelled_folder").set_value(files).run()
    app.button(key="survey_here").click().run()
    finished(app)
    check(app)
    assert "Survey of 12 pictures by" in words(app)
    assert "% right" not in words(app)
    app.button(key="close_survey").click().run()
    app.file_uploader(key="labelled_folder").set_value([("a/b.png", b"nothing", "image/png")]).run()
    app.button(key="survey_here").click().run()
    for _ in range(100):
        if errors(app):
            break
        time.sleep(0.1)
        app.run()
    assert errors(app) == ["The survey: none of these files is a readable picture; choose others."]


def test_a_survey_of_other_weights_is_told(opened: tuple[Path, Survey], tmp_path: Path) -> None:
    survey = opened[1]
    about = {**survey.about, "weights_sha256": "0" * 64}
    store(Survey(about, survey.arrays), tmp_path)
    app = open_page(block="3", unit="17")
    app.file_uploader(key="survey_files").set_value(files_of(tmp_path)).run()
    assert errors(app) == []
    assert f"It is of other weights than those of {BUNDLED}" in words(app).replace("&#95;", "_")
    assert not panel_is_there(app, "survey-top")
    older = {name: value for name, value in survey.about.items() if name != "weights_sha256"}
    store(Survey(older, survey.arrays), tmp_path)
    app.file_uploader(key="survey_files").set_value(files_of(tmp_path)).run()
    assert panel(app, "survey-top")


def test_other_pages_show_what_the_survey_says_of_them(model: MlpMixer, opened: tuple[Path, Survey]) -> None:
    folder, survey = opened
    app = open_page(image="Cat", layer="6", channel="11", view="channels")
    app.file_uploader(key="survey_files").set_value(files_of(folder)).run()
    app._page_hash = calc_hash("activations")
    app.run()
    assert errors(app) == []
    row = 6 * model.config.embed_dim + 11
    mean = survey.units("channels", "mean")[row]
    assert f"Over 12 pictures the channel (mean over the patches) is {mean:.3g}" in words(app)
    top = survey.units("channels", "top")[row]
    notes = [float(grid["notes"][0].split()[1]) for grid in panel(app, "survey-top")["grids"]]
    assert set(notes) <= {float(f"{value:.3g}") for value in top}
    app._page_hash = ""
    app.switch_page("pages/overview.py").run()
    assert errors(app) == []
    shares = numbers(panel(app, "confusions")["grids"][0]).reshape(10, 10)
    counts = survey.arrays["predictions.confusion"]
    seen = counts.sum(axis=1)
    np.testing.assert_allclose(shares[seen > 0], 100 * counts[seen > 0] / seen[seen > 0, None], rtol=1e-5)
    assert not shares[seen == 0].any()


def test_a_unit_of_channel_mixing_over_the_pictures(model: MlpMixer, opened: tuple[Path, Survey]) -> None:
    folder, survey = opened
    app = open_page(block="3", unit="17", image="Cat", excite="channel-unit", wanted_unit="9")
    app.file_uploader(key="survey_files").set_value(files_of(folder)).run()
    check(app)
    row = 2 * model.config.channels_mlp_dim + 9
    mean = survey.units("channel_units", "mean")[row]
    assert f"Over 12 pictures the unit's activation (mean over the patches) is {mean:.3g}" in words(app)
    top = {float(f"{value:.3g}") for value in survey.units("channel_units", "top")[row]}
    assert {float(grid["notes"][0].split()[1]) for grid in panel(app, "survey-top")["grids"]} <= top
