"""What is measured and how often, who takes turns, what is told and what stops it; never how long it takes."""

from __future__ import annotations

import collections
from collections.abc import Callable

import numpy as np
import pytest
import torch
from made_models import traces_left
from torch import Tensor, nn

from mixer_viz.analysis.chunks import AnalysisCancelled
from mixer_viz.analysis.comparison import timing
from mixer_viz.analysis.comparison.throughput import measure_mixers, measure_throughput
from mixer_viz.analysis.comparison.timing import conditions_of, race
from mixer_viz.model import TOKEN_MIXERS, MetaFormer
from tests.model.made_metaformers import CHANNELS, config_of

CPU, SHAPE = torch.device("cpu"), (3, 12, 12)
NAMES = list(TOKEN_MIXERS)


class Clock:
    """Time that passes only while a rival runs, and a list of who ran."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.ran = 0.0, collections.deque[str]()
        monkeypatch.setattr(timing.time, "perf_counter", lambda: self.now)

    def rival(self, name: str, seconds: float) -> Callable[[], None]:
        def run() -> None:
            self.now += seconds
            self.ran.append(name)

        return run


def test_rivals_take_turns_and_another_one_begins_every_round(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    conditions = conditions_of(CPU, 1, "float32", rounds=3, turn_seconds=4.0)
    found = race({"a": clock.rival("a", 1.0), "b": clock.rival("b", 8.0)}, CPU, conditions)
    assert "".join(clock.ran) == "aabb" + "aaaab" + "baaaa" + "aaaab"
    assert (found["a"].passes, found["b"].passes) == (4, 1)
    np.testing.assert_array_equal(found["a"].seconds, [1.0, 1.0, 1.0])
    np.testing.assert_array_equal(found["b"].seconds, [8.0, 8.0, 8.0])


def test_a_rival_that_takes_no_time_has_a_bounded_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    found = race({"a": clock.rival("a", 0.0)}, CPU, conditions_of(CPU, 1, "float32", 1, 1.0))
    assert found["a"].passes == timing.MOST_PASSES
    assert len(clock.ran) == 2 + timing.MOST_PASSES


def test_the_speed_is_images_by_the_time_of_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)

    class Slow(nn.Module):
        def __init__(self, seconds: float) -> None:
            super().__init__()
            self.seconds, self.weight = seconds, nn.Parameter(torch.zeros(1))

        def forward(self, pixels: Tensor) -> Tensor:
            assert pixels.shape == (5, *SHAPE)
            assert not torch.is_grad_enabled()
            clock.now += self.seconds
            return pixels

    networks = {"slow": Slow(2.0).eval(), "fast": Slow(0.5).eval()}
    found = measure_throughput(networks, SHAPE, batch=5, rounds=2, turn_seconds=1.0)
    assert [(row.name, row.passes) for row in found.rows] == [("slow", 1), ("fast", 2)]
    np.testing.assert_array_equal(found.rows[0].images_per_second, [2.5, 2.5])
    assert (found.rows[1].slowest, found.rows[1].median, found.rows[1].fastest) == (10.0, 10.0, 10.0)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_all_networks_are_measured_and_left_as_they_are(precision: str) -> None:
    networks = {name: MetaFormer(config_of(name)).eval().requires_grad_(False) for name in NAMES}
    before = {name: traces_left(network) for name, network in networks.items()}
    told: list[tuple[int, int]] = []
    found = measure_throughput(
        networks,
        SHAPE,
        batch=2,
        precision=precision,
        rounds=3,
        turn_seconds=0.0,
        progress=lambda *counts: told.append(counts),
    )
    assert [row.name for row in found.rows] == NAMES
    for row in found.rows:
        assert row.passes == 1
        assert row.images_per_second.shape == (3,)
        assert 0 < row.slowest <= row.median <= row.fastest < float("inf")
    assert (found.conditions.batch, found.conditions.precision, found.conditions.rounds) == (2, precision, 3)
    assert found.conditions.threads == torch.get_num_threads()
    assert found.conditions.device
    assert found.image_shape == SHAPE
    turns = 4 * len(NAMES)  # three rounds, and one to warm up
    assert told == [(done, turns) for done in range(1, turns + 1)]
    assert {name: traces_left(network) for name, network in networks.items()} == before
    assert all(parameter.dtype == torch.float32 for parameter in networks["mlp"].parameters())


def test_mixers_are_measured_on_every_grid_in_the_order_of_the_counted_costs() -> None:
    told: list[tuple[int, int]] = []
    found = measure_mixers(
        config_of("identity"),
        (2, 4, 4),
        CPU,
        batch=2,
        rounds=2,
        turn_seconds=0.0,
        progress=lambda *counts: told.append(counts),
    )
    curves = [("mlp", "kept"), ("mlp", "grows"), *((name, None) for name in NAMES if name != "mlp")]
    keys = [(row.tokens, row.token_mixer, row.hidden_width) for row in found.rows]
    assert keys == [(tokens, *curve) for tokens in (4, 16) for curve in curves]  # a grid given twice counts once
    for row in found.rows:
        assert row.seconds.shape == (2,)
        assert row.median_per_token == pytest.approx(np.median(row.seconds) / row.tokens)
    assert found.embed_dim == CHANNELS
    assert told[-1] == (6 * len(curves), 6 * len(curves))  # two grids, two rounds, and one to warm up


def test_it_stops_between_two_turns_when_told_to() -> None:
    networks = {name: MetaFormer(config_of(name)).eval() for name in ("mlp", "shift")}
    told: list[tuple[int, int]] = []
    with pytest.raises(AnalysisCancelled, match="cancelled after 3 of 8 turns"):
        measure_throughput(
            networks,
            SHAPE,
            batch=1,
            rounds=3,
            turn_seconds=0.0,
            progress=lambda *counts: told.append(counts),
            cancelled=lambda: len(told) == 3,
        )
    with pytest.raises(AnalysisCancelled, match=rf"cancelled after 0 of {6 * (len(NAMES) + 1)} turns"):
        measure_mixers(config_of("mlp"), (3,), CPU, cancelled=lambda: True)


def test_what_cannot_be_measured_is_refused() -> None:
    network = MetaFormer(config_of("mlp"))
    with pytest.raises(ValueError, match="b: in training mode"):
        measure_throughput({"a": MetaFormer(config_of("mlp")).eval(), "b": network}, SHAPE)
    with torch.device("meta"):
        elsewhere = MetaFormer(config_of("mlp")).eval()
    with pytest.raises(ValueError, match="on one device, got 2"):
        measure_throughput({"a": network.eval(), "b": elsewhere}, SHAPE)
    with pytest.raises(ValueError, match="on one device, got 0"):
        measure_throughput({}, SHAPE)
    for name, value in (("batch", 0), ("rounds", 0), ("precision", "float16"), ("turn_seconds", -1.0)):
        with pytest.raises(ValueError, match=f"{name}={value!r} must be"):
            measure_throughput({"a": network}, SHAPE, **{name: value})
    with pytest.raises(ValueError, match="at least one grid, got none"):
        measure_mixers(config_of("mlp"), (), CPU)
