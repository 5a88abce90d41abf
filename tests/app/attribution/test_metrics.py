"""Deleting patches and the quality of maps on the Attributions page, beside real passes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mixer_viz.analysis.attribution.deletion import deletion_insertion, patch_order, random_orders
from mixer_viz.analysis.attribution.masking import logits_without_many
from mixer_viz.analysis.attribution.metrics import (
    CONTROLS,
    NOISE_DRAWS,
    SHUFFLES,
    agreement,
    noise_sensitivity,
    randomisation_check,
)
from mixer_viz.model import MlpMixer
from mixer_viz.ui.attribution import metrics
from mixer_viz.ui.attribution.results import CURVE_POINTS
from tests.app.attribution.driving import (
    ABLATION,
    BASELINE,
    GRADIENTS,
    PATCH_LOGITS,
    column,
    finish,
    floats,
    open_done,
    real,
    sentence,
)
from tests.app.driving import errors

TOKEN, SEED = 27, 3


@pytest.fixture
def no_long_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_QUICK_MULTIPLY_ADDS", {"cpu": 0.0})
    monkeypatch.setattr(metrics, "_QUICK_ON_GPU", 0.0)


def percent(logits: np.ndarray) -> np.ndarray:
    return 100 * torch.from_numpy(logits).double().softmax(dim=-1).numpy()


@pytest.mark.usefixtures("no_long_checks")
def test_one_deleted_patch_is_a_real_pass(model: MlpMixer, pixels: torch.Tensor, top: int) -> None:
    app = open_done(PATCH_LOGITS, ABLATION, token=str(TOKEN))
    logits = logits_without_many(model, pixels, [(), (TOKEN,)], baseline=BASELINE)
    before, after = logits[:, top]
    text = sentence(app, "replaced by")
    assert f"patch {TOKEN} " in text
    assert f"from {before:.3f} to {after:.3f}" in text
    assert ("falls" if after < before else "rises") in text
    for title in (PATCH_LOGITS, ABLATION):
        values = real(model, top, title).patch_map
        assert float(column(app, "map", "value of this patch")[title]) == pytest.approx(values[TOKEN], abs=1e-3)
        place = int((values > values[TOKEN]).sum()) + 1
        assert column(app, "map", "place, most positive first")[title] == f"{place} of {model.config.num_patches}"
    ablation = float(column(app, "map", "value of this patch")[ABLATION])
    assert ablation == pytest.approx(before - after, abs=2e-3)  # which is what that method measures
    answers = [table.value for table in app.table if "probability" in table.value.columns]
    for table, row in zip(answers, percent(logits), strict=True):
        names = [model.config.class_names[index] for index in np.argsort(-row)[:5]]
        assert table["class"].tolist() == names
        assert floats(table["probability"][0])[0] == pytest.approx(row.max(), abs=0.06)


@pytest.mark.usefixtures("no_long_checks")
def test_slider_of_deleted_patches_is_a_real_pass(model: MlpMixer, pixels: torch.Tensor, top: int) -> None:
    app = open_done(PATCH_LOGITS, ABLATION, deleted="5", seed=str(SEED))
    orders = random_orders(model.config.num_patches, CONTROLS, SEED)
    for title, count in [(PATCH_LOGITS, 5), (PATCH_LOGITS, 20), (ABLATION, 20), (ABLATION, 64), (ABLATION, 0)]:
        app.slider(key="deleted").set_value(count)
        app.button_group(key="deleted_by").set_value(title)
        app.run()
        assert errors(app) == []
        order = patch_order(real(model, top, title).patch_map)[:count]
        sets = [(), tuple(order), *(tuple(each[:count]) for each in orders)]
        answers = percent(logits_without_many(model, pixels, sets, baseline=BASELINE, seed=SEED))[:, top]
        text = sentence(app, f"without the first {count} patches of {title}")
        found = floats(text.split("goes from")[1])
        random = answers[2:]
        wanted = [answers[0], answers[1], count, random.mean(), random.min(), random.max(), count]
        assert found == pytest.approx(wanted, abs=0.06)


def test_quality_table_is_what_the_library_measures(model: MlpMixer, pixels: torch.Tensor, top: int) -> None:
    app = open_done(PATCH_LOGITS, GRADIENTS, integrated_gradients_steps="6")
    results = [real(model, top, PATCH_LOGITS), real(model, top, GRADIENTS, steps=6)]
    for result, title in zip(results, (PATCH_LOGITS, GRADIENTS), strict=True):
        curves = deletion_insertion(
            model, pixels, result.patch_map, top, baseline=BASELINE, steps=CURVE_POINTS, controls=CONTROLS
        )
        noise = noise_sensitivity(model, pixels, result, draws=NOISE_DRAWS).rank_correlations.mean()
        shuffled = randomisation_check(model, pixels, result, draws=SHUFFLES).rank_correlations.mean()
        found = column(app, "measure", title)
        deleted, inserted = curves.random_deletion_areas, curves.random_insertion_areas
        wanted = {
            "sum of all values": (result.total, 2e-3),
            "should be": (result.expected, 2e-3),
            "deletion area (lower is better)": (curves.deletion_area, 2e-3),
            "insertion area (higher is better)": (curves.insertion_area, 2e-3),
            "steady under noise": (noise, 0.0101),  # two digits are printed
            "with shuffled weights, signed": (shuffled, 0.0101),
        }
        for name, (value, step) in wanted.items():
            assert floats(found[name]) == pytest.approx([value], abs=step), name
        (rows,) = [table.value for table in app.table if table.value.columns[0] == "measure"]
        random = rows[rows["measure"].str.endswith("of random orders")][title].tolist()
        assert floats(random[0]) == pytest.approx([deleted.mean(), deleted.std()], abs=2e-3)
        assert floats(random[1]) == pytest.approx([inserted.mean(), inserted.std()], abs=2e-3)
    correlation = float(agreement(results)[0, 1])
    assert floats(sentence(app, "rank correlation of"))[0] == pytest.approx(correlation, abs=0.0101)


@pytest.mark.own_caches
@pytest.mark.usefixtures("no_long_checks")
def test_long_checks_wait_for_a_button() -> None:
    app = open_done(PATCH_LOGITS)
    assert column(app, "measure", PATCH_LOGITS)["deletion area (lower is better)"] == "not yet"
    (button,) = [each for each in app.button if each.label.startswith(f"Work out curves of {PATCH_LOGITS}")]
    button.click()
    finish(app.run())
    found = column(app, "measure", PATCH_LOGITS)
    assert 0 < float(found["deletion area (lower is better)"]) < 1
    assert found["steady under noise"] == "not yet"  # was not asked for


@pytest.mark.own_caches
def test_in_a_full_house_checks_wait_for_a_button_and_curves_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = property(lambda _: metrics.FULL_HOUSE)
    with monkeypatch.context() as full:
        full.setattr("mixer_viz.ui.compute.jobs.JobTable.waiting", waiting)
        app = open_done(PATCH_LOGITS)
        found = column(app, "measure", PATCH_LOGITS)
        assert 0 < float(found["deletion area (lower is better)"]) < 1
        assert found["steady under noise"] == "not yet"
        assert any(each.value.startswith(f"Many people are here: {metrics.FULL_HOUSE} ") for each in app.caption)
        (button,) = [each for each in app.button if each.label.startswith(f"Work out checks of {PATCH_LOGITS}")]
        button.click()
        finish(app.run())
        assert floats(column(app, "measure", PATCH_LOGITS)["steady under noise"])
        # What is known stays there, asked for by this visitor or not.
        assert floats(column(open_done(PATCH_LOGITS), "measure", PATCH_LOGITS)["steady under noise"])
