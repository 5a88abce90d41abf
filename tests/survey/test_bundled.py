"""Statistics of the training set that come with a model: small, complete, and what the survey said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mixer_viz.analysis.token_mixing.fourier import general_spectrum
from mixer_viz.analysis.token_mixing.objective import Objective
from mixer_viz.checkpoints import load_model
from mixer_viz.checkpoints.bundled import ASSETS_DIR, bundled_models
from mixer_viz.survey import bundled, cli
from mixer_viz.survey.output import read_survey
from mixer_viz.survey.passes import FAMILIES, family_shape
from tests.survey.made_folders import write_pictures

WITH = [model.name for model in bundled_models() if (ASSETS_DIR / f"{model.path.stem}_statistics.npz").is_file()]


@pytest.mark.parametrize("name", WITH)
def test_what_comes_with_a_model_is_small_and_fits_it(name: str) -> None:
    path = next(model.path for model in bundled_models() if model.name == name)
    assert path.with_name(f"{path.stem}_statistics.npz").stat().st_size <= bundled.MAX_BYTES
    known, config = bundled.training_statistics(name), load_model(name, device="cpu").config
    assert known is not None
    assert known.model == name
    assert known.images >= 10_000
    assert known.spectrum.fits(config.image_shape)
    assert known.spectrum.images >= 1_000
    for family in (each for each in FAMILIES if f"{each}.top" in known.tables):
        quantiles, top = known.tables[f"{family}.quantiles"], known.tables[f"{family}.top"]
        assert len(top) == np.prod(family_shape(config, family))
        assert (np.diff(quantiles.astype(float), axis=1) >= 0).all()
        assert (top >= quantiles[:, -1]).all()
    top, quantiles = known.of(Objective(kind="class", index=1), 0) or (0.0, np.zeros(0))
    assert top > quantiles[-1]


def test_the_models_to_look_into_have_them() -> None:
    """Not the two small ones, which are there to be put beside each other."""
    assert [model.name for model in bundled_models() if not model.name.startswith("small_")] == WITH
    assert WITH
    assert bundled.training_statistics("no such model") is None


def test_the_file_says_what_the_survey_said(tmp_path: Path) -> None:
    data = write_pictures(tmp_path / "data", 9, side=32, classes=("cat", "dog"))
    given = ["--data", str(data), "--out", str(tmp_path / "out"), "--closer", "0", "--device", "cpu"]
    assert cli.main(given) == 0
    bundled.main(["--survey", str(tmp_path / "out"), "--data", str(data), "--out", str(tmp_path / "a.npz")])
    survey, found = read_survey(tmp_path / "out"), bundled.read_statistics(tmp_path / "a.npz", "a")
    assert (found.images, found.spectrum.images) == (9, 9)
    config = load_model("mixer_cifar10", device="cpu").config
    objective = Objective(kind="token unit", index=17, place=2)
    top, quantiles = found.of(objective, config.tokens_mlp_dim) or (0.0, np.zeros(0))
    row = 2 * config.tokens_mlp_dim + 17
    assert top == pytest.approx(survey.units("token_units", "top")[row, 0], rel=2e-3)
    values = survey.units("token_units", "sample")[:, row].astype(float)
    np.testing.assert_allclose(quantiles, np.percentile(values, bundled.QUANTILES), rtol=5e-3)
    assert found.of(Objective(kind="token unit", index=17, place=2, at=3), config.tokens_mlp_dim) is None
    with pytest.raises(ValueError, match="bytes, more than"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundled, "MAX_BYTES", 100)
        bundled.statistics_bytes(survey, general_spectrum((32, 32)))
