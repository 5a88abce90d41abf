"""The film of the bundled model: its moments, what was measured at each, and what is said where there are none."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import mixer_viz as mv
from mixer_viz.analysis.token_mixing.structure import structure_of
from mixer_viz.checkpoints.coarse import network_of
from mixer_viz.checkpoints.snapshots import read_snapshot, snapshots_of
from mixer_viz.images.samples import load_sample
from mixer_viz.ui.choices import ChosenModel
from mixer_viz.ui.learning.film import film_of
from tests.app.driving import BUNDLED, ROOT, TIMEOUT, chart, errors, panel

FILM = "Film of a finished training"


@pytest.fixture
def film_page() -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    app.query_params["learn_part"] = FILM
    return app.switch_page("pages/learning.py").run()


def test_two_moments_side_by_side(film_page: AppTest) -> None:
    assert errors(film_page) == []
    labels = [moment.label for moment in snapshots_of(BUNDLED)]
    titles = [grid["title"] for grid in panel(film_page, "film_atlas")["grids"]]
    assert [title.split(", ", 1)[1] for title in titles] == [labels[0], labels[-1]]
    film_page.select_slider(key="film_moment").set_value(labels[2]).run()
    assert panel(film_page, "film_atlas")["grids"][0]["title"].endswith(labels[2])
    film_page.selectbox(key="film_beside").select(labels[0]).run()
    assert panel(film_page, "film_atlas")["grids"][1]["title"].endswith(labels[0])
    assert chart(film_page, "film_curves")["customdata"] == labels


def test_play_goes_on_from_moment_to_moment(film_page: AppTest) -> None:
    labels = [moment.label for moment in snapshots_of(BUNDLED)]
    film_page.toggle(key="film_play").set_value(True).run()
    seen = [film_page.select_slider(key="film_moment").value]
    for _ in labels:
        film_page.run()
        seen.append(film_page.select_slider(key="film_moment").value)
    start = labels.index(seen[0])
    assert seen == [labels[(start + step) % len(labels)] for step in range(len(seen))]


def test_what_is_measured_at_each_moment() -> None:
    model = mv.load_model(BUNDLED, device="cpu")
    film = film_of(ChosenModel(BUNDLED, BUNDLED, model), 4)
    structure = structure_of(model)
    assert film.frequency[-1] == pytest.approx(structure.block_frequency[4] / structure.white_noise, abs=0.01)
    assert film.opposed[-1] == pytest.approx(structure.block_opposed_share[4], abs=0.03)
    assert film.frequency[0] == pytest.approx(1, abs=0.03)  # the random start
    moments = snapshots_of(BUNDLED)
    assert film.labels == tuple(moment.label for moment in moments)
    peaks = [np.abs(read_snapshot(moment)["blocks.4.token_mixing.fc1.weight"]).max() for moment in moments]
    assert film.peak == max(peaks)


def test_a_model_without_moments_says_so(film_page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixer_viz.ui.learning.film.snapshots.snapshots_of", lambda name: [])
    film_of.clear()
    film_page.run()
    assert errors(film_page) == []
    assert any("No moments of this model's training were kept" in note.value for note in film_page.info)


@pytest.mark.own_caches
def test_what_it_says_of_the_picture_through_the_training(film_page: AppTest) -> None:
    moments = snapshots_of(BUNDLED)
    kept = [place for place, moment in enumerate(moments) if moment.coarse_accuracy is not None]
    assert len(kept) == 2
    said = [text.value for text in film_page.markdown if text.value.startswith("**stage")]
    assert said[0] == f"**{moments[0].label}**: 10 % for each of the 10 classes."
    film_page.select_slider(key="film_moment").set_value(moments[kept[0]].label).run()
    model = mv.load_model(BUNDLED, device="cpu")
    network = network_of(moments[kept[0]], model.config)
    assert network is not None
    logits = network(mv.preprocess(load_sample("cat"), model))
    best = int(logits.argmax())
    wanted = f"{(model.config.class_names or ())[best]} {100 * float(logits.softmax(dim=1)[0, best]):.0f} %"
    said = [text.value for text in film_page.markdown if text.value.startswith("**stage")]
    assert said[0].startswith(f"**{moments[kept[0]].label}**: {wanted}")
    worth = next(text.value for text in film_page.caption if text.value.startswith("Kept in few bits"))
    assert f"{moments[kept[0]].coarse_accuracy:.1f} % of 2,000 test images" in worth
    film_page.select_slider(key="film_moment").set_value(moments[kept[0] + 1].label).run()
    assert any("only token mixing and filters" in text.value for text in film_page.markdown)
    assert errors(film_page) == []
