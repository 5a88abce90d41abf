"""The page "Token mixers compared": what every token mixer costs, counted and measured on this machine."""

from __future__ import annotations

import base64
import functools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from torch import nn

from mixer_viz.analysis.comparison import published as comparison_published
from mixer_viz.analysis.comparison.costs import cost_growth, mixing_share
from mixer_viz.analysis.comparison.published import REPORTED
from mixer_viz.checkpoints import bundled
from mixer_viz.model import TOKEN_MIXERS
from mixer_viz.model.token_mixer_table import metaformer_costs
from mixer_viz.ui.comparison import costs, speed_jobs
from mixer_viz.ui.widgets.errors import UNEXPECTED
from tests.app.comparison.driving import (
    COSTS,
    NAMES,
    PHOTO,
    check,
    finish,
    made_assets,
    network_of,
    open_page,
    table,
    texts_of,
    titles,
    write_networks,
)

GRIDS = (2, 4)
SPEED = r"^[\d,.]+ \([\d,.]+ to [\d,.]+\)$"


def tiny_architecture() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 5, 2, stride=2), nn.Flatten(), nn.Linear(80, 4))


@pytest.fixture(autouse=True)
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assets = made_assets(tmp_path)
    write_networks(assets)
    monkeypatch.setattr(bundled, "ASSETS_DIR", assets)
    monkeypatch.setattr(costs, "GRIDS", GRIDS)
    monkeypatch.setattr(speed_jobs, "_MEASURED_GRIDS", GRIDS)
    published = {("Tiny", "here"): tiny_architecture, ("Small", "there"): tiny_architecture}
    for module in (comparison_published, speed_jobs):
        monkeypatch.setattr(module, "PUBLISHED", published)
        monkeypatch.setattr(module, "IMAGE_SIZE", 8)
    for name in ("measure_throughput", "measure_mixers"):
        monkeypatch.setattr(speed_jobs, name, functools.partial(getattr(speed_jobs, name), turn_seconds=0))


def traces(app: AppTest, key: str) -> list[dict[str, Any]]:
    (found,) = [part for part in app.get("plotly_chart") if part.proto.id.endswith(f"-{key}")]
    return list(json.loads(found.proto.spec)["data"])


def has_chart(app: AppTest, key: str) -> bool:
    return any(part.proto.id.endswith(f"-{key}") for part in app.get("plotly_chart"))


def measure(app: AppTest) -> AppTest:
    return app.button(key="measure").click().run()


def speeds(app: AppTest) -> list[str]:
    """What stands in the speed columns of both tables."""
    *_, last = table(app, "network", "multiply-adds").values()
    (first,) = [values for name, values in table(app, "reach in a block").items() if name.startswith("images/s here")]
    return [*first, *last]


def test_counts_are_those_of_the_networks() -> None:
    app = check(open_page(COSTS))
    shown = table(app, "of these across locations")
    assert shown["token mixer"] == titles()
    for place, name in enumerate(NAMES):
        config = network_of(name).metaformer_config
        total = metaformer_costs(config).total
        assert shown["parameters"][place] == f"{total.parameters:,}"
        assert shown["multiply-adds"][place] == f"{total.multiply_adds / 1e6:.1f} M"
        share = float(shown["of these across locations"][place].partition(" %")[0])
        assert share == pytest.approx(100 * mixing_share(config).across_locations, abs=0.051)
        assert shown["reach in a block"][place] == TOKEN_MIXERS[name].reach_in_words.format(k=3)
        assert shown["trained, s"][place] == "60, 61"
        mean, first, second = (float(value) for value in re.findall(r"[\d.]+", shown["right, % (seeds)"][place]))
        assert mean == pytest.approx((first + second) / 2, abs=0.051)
    assert set(speeds(app)) == {"–"}
    assert "2 epochs on made-up data, batches of 8, made up; seen once." in texts_of(app)
    assert not app.get("progress")


def test_charts_hold_every_plain_run_and_no_other() -> None:
    app = check(open_page(COSTS))
    curves = traces(app, "compared-curves")
    assert len(curves) == 2 * len(NAMES)  # two seeds
    assert {curve["name"] for curve in curves} == set(titles())
    assert set(titles()) <= {trace.get("name") for trace in traces(app, "compared-accuracy")}
    assert not has_chart(app, "compared-measured")


def test_growth_is_that_of_the_counts() -> None:
    growth = {trace["name"]: trace for trace in traces(check(open_page(COSTS)), "compared-growth")}
    curves = [curve for curve in cost_growth(network_of("mlp").metaformer_config, GRIDS) if curve.multiply_adds.all()]
    assert len(curves) > 3
    for curve in curves:
        name = TOKEN_MIXERS[curve.token_mixer].title
        (trace,) = [
            trace
            for title, trace in growth.items()
            if title.startswith(name) and ("grows" in title) == (curve.hidden_width == "grows")
        ]
        np.testing.assert_array_equal(decoded(trace["x"]), curve.tokens)
        np.testing.assert_allclose(decoded(trace["y"]), curve.multiply_adds_per_token)


def decoded(values: Any) -> np.ndarray:
    """An array as plotly writes it into JSON."""
    if isinstance(values, list):
        return np.array(values)
    return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])


def test_published_and_reported_networks_are_apart() -> None:
    app = check(open_page(COSTS))
    assert table(app, "network", "multiply-adds")["network"] == ["Tiny (here)", "Small (there)"]
    assert table(app, "images/s/core")["network"] == [row.model for row in REPORTED]
    assert "Reported in the paper, not measured here" in texts_of(app)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_measuring_to_the_end_fills_the_speed_columns(precision: str) -> None:
    app = measure(check(open_page(COSTS, batch="1", arithmetic=precision)))
    check(finish(app))
    shown = speeds(app)
    assert len(shown) == len(NAMES) + 2
    assert all(re.match(SPEED, value) for value in shown), shown
    for value in shown:
        median, slowest, fastest = (float(number.replace(",", "")) for number in re.findall(r"[\d,.]+", value))
        assert 0 < slowest <= median <= fastest
    assert {point for trace in traces(app, "compared-measured") for point in decoded(trace["x"]).tolist()} == {4, 16}
    assert f"1 image at once, {precision}" in texts_of(app)


def test_pressed_again_it_is_measured_again_and_another_part_forgets_nothing() -> None:
    app = finish(measure(open_page(COSTS, batch="1")))
    before = speeds(app)
    app.button_group(key="part").set_value(PHOTO).run()
    app.button_group(key="part").set_value(COSTS).run()
    assert speeds(check(app)) == before
    check(finish(measure(app)))
    assert speeds(app) != before


def test_cancelled_and_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    real = speed_jobs.measure_throughput
    patient: dict[str, Any] = {"rounds": 100_000}
    monkeypatch.setattr(speed_jobs, "measure_throughput", lambda *parts, **options: real(*parts, **(options | patient)))
    app = measure(check(open_page(COSTS)))
    assert app.get("progress")
    app.button(key="cancel_speed_0").click().run()
    assert not app.get("progress")
    assert "Measuring: stopped." in texts_of(check(app))
    patient["rounds"] = 1
    app.button(key="again_speed").click().run()
    check(finish(app))
    assert all(re.match(SPEED, value) for value in speeds(app))


def test_what_was_measured_before_the_cancelled_part_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    patient = functools.partial(speed_jobs.measure_mixers, rounds=100_000)
    monkeypatch.setattr(speed_jobs, "measure_mixers", patient)
    app = finish(measure(open_page(COSTS, batch="1")), until="Measuring token mixers alone:")
    app.button(key="cancel_speed_0").click().run()
    assert "Measuring: stopped." in texts_of(check(app))
    assert all(re.match(SPEED, value) for value in speeds(app))


def test_what_breaks_is_said_and_the_rest_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no memory at 0x7f")

    monkeypatch.setattr(speed_jobs, "measure_mixers", broken)
    app = finish(measure(open_page(COSTS, batch="1")))
    assert [error.value for error in app.error] == [f"Measuring: {UNEXPECTED}"]
    assert all(re.match(SPEED, value) for value in speeds(app))
    assert not has_chart(app, "compared-measured")
