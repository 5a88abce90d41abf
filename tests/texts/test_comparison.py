"""The texts and tables of the page "Token mixers compared" carry the numbers of what was found."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest

from mixer_viz.analysis.comparison.costs import mixing_share
from mixer_viz.analysis.comparison.published import REPORTED, Architecture
from mixer_viz.analysis.comparison.throughput import MixerSpeed, MixerSpeeds, NetworkSpeed, Throughput
from mixer_viz.analysis.comparison.timing import Conditions
from mixer_viz.analysis.comparison.token_jacobian import MetaFormerJacobian, MetaFormerPrediction
from mixer_viz.analysis.replacement.accuracy import ReplacedAccuracy
from mixer_viz.analysis.replacement.replace import Kind, Replacement
from mixer_viz.checkpoints.metaformer_runs import MetaFormerRun
from mixer_viz.model import TOKEN_MIXERS
from mixer_viz.model.metaformer_config import PERMUTATIONS, Permutation, TokenMixerName
from mixer_viz.texts import comparison as comparison_texts
from mixer_viz.texts import comparison_costs as cost_texts
from mixer_viz.texts import replacement as replacement_texts
from tests.model.made_metaformers import config_of

NAMES: tuple[TokenMixerName, ...] = get_args(TokenMixerName)
CONDITIONS = Conditions("a processor", 3, 16, "bfloat16", 7, 0.2)
PLAIN, PATCHES, PIXELS = PERMUTATIONS


def run_of(
    token_mixer: TokenMixerName = "mlp", accuracy: float = 60.0, seed: int = 0, permutation: str = PLAIN
) -> MetaFormerRun:
    return MetaFormerRun(
        name=f"{token_mixer}-{permutation}-{seed}",
        token_mixer=token_mixer,
        permutation=permutation,  # type: ignore[arg-type]
        seed=seed,
        channels_mlp_dim=7,
        parameters=123456,
        multiply_adds=7_890_000,
        accuracy=accuracy,
        accuracies=(accuracy / 2, accuracy),
        images_per_second=300.0,
        seconds=100.4 + seed,
        path=None,
    )


def throughput_of(*names: str) -> Throughput:
    rows = tuple(NetworkSpeed(name, 4, np.array([1000.0, 3000.0, 1500.0])) for name in names)
    return Throughput(CONDITIONS, (3, 8, 8), rows)


def networks_of(names: Sequence[TokenMixerName]) -> list[Any]:
    networks = [SimpleNamespace(metaformer_config=config_of(name)) for name in names]
    parts = zip(names, networks, strict=True)
    return [SimpleNamespace(run=run_of(name), title=TOKEN_MIXERS[name].title, network=each) for name, each in parts]


def lengths(table: dict[str, list[str]]) -> set[int]:
    assert all(isinstance(value, str) and value for column in table.values() for value in column)
    return {len(column) for column in table.values()}


@pytest.mark.parametrize("class_names", [None, ("cat", "dog", "ship")])
def test_answers_with_and_without_class_names(class_names: tuple[str, ...] | None) -> None:
    probabilities = [np.array([0.1, 0.7, 0.2]), np.array([0.05, 0.05, 0.9])]
    answers = [MetaFormerPrediction(f"network {number}", row, row) for number, row in enumerate(probabilities)]
    table = comparison_texts.answer_table([run_of(accuracy=61.26), run_of("shift", 7.0)], answers, class_names)
    assert lengths(table) == {2}
    assert table["token mixer"] == ["network 0", "network 1"]
    assert table["says"] == (["dog", "ship"] if class_names else ["class 1", "class 2"])
    assert table["probability"] == ["70.0 %", "90.0 %"]
    assert table["right on the test images (one training)"] == ["61.3 %", "7.0 %"]
    assert table["from"] == [TOKEN_MIXERS[name].source for name in ("mlp", "shift")]


def test_share_that_patches_keep() -> None:
    shares = {"one": np.eye(4), "other": np.full((4, 4), 0.25)}
    added = [MetaFormerJacobian(0, "mlp", share, share, share, None) for share in shares.values()]
    assert comparison_texts.matrices_sentence(list(shares), added).endswith("one 100 %, other 25 %.")
    taken = [added[0], dataclasses.replace(added[1], same_channel=-shares["other"])]
    text = comparison_texts.matrices_sentence(list(shares), taken)
    assert re.search(r"one 100 %, other 25 %\..* subtracted from the skip connection: other\.$", text)


def test_area_without_a_gradient_is_a_dash() -> None:
    areas = np.array([[0.1, 0.25, np.nan], [0.1, 0.5, 1.0]])
    table = comparison_texts.area_table(["one", "other"], areas)
    assert lengths(table) == {2}
    assert list(table)[1:] == ["block 1", "block 2"]  # without the embedding
    assert (table["block 1"], table["block 2"]) == (["25.0", "50.0"], ["–", "100.0"])


def test_costs_of_every_mixer_without_speed() -> None:
    runs = [run_of(name) for name in NAMES]
    table = cost_texts.cost_table(runs, networks_of(NAMES), None)
    assert lengths(table) == {len(NAMES)}
    assert table["token mixer"] == [TOKEN_MIXERS[name].title for name in NAMES]
    assert set(table["images/s here"]) == {"–"}
    assert set(table["parameters"]) == {"123,456"}
    assert set(table["multiply-adds"]) == {"7.9 M"}
    shares = [100 * mixing_share(config_of(name)).across_locations for name in NAMES]
    shown = [float(share.partition(" %")[0]) for share in table["of these across locations"]]
    assert shown == pytest.approx(shares, abs=0.051)


def test_costs_show_all_seeds_of_plain_runs_and_speeds_by_title() -> None:
    runs = [run_of(accuracy=60.0), run_of(accuracy=62.5, seed=1), run_of("shift", 50.0), run_of(permutation=PIXELS)]
    title = TOKEN_MIXERS["shift"].title
    table = cost_texts.cost_table(runs, networks_of(["mlp", "shift"]), throughput_of(title))
    assert table["right, % (seeds)"] == ["61.2 (60.00, 62.50)", "50.00 (one seed)"]
    assert table["trained, s"] == ["100, 101", "100"]
    assert table["images/s here (batch 16)"] == ["–", "1,500 (1,000 to 3,000)"]


def test_what_is_no_better_than_no_mixing() -> None:
    runs = [run_of("identity", 50.0), run_of("identity", 51.0, seed=1), run_of("pooling", 52.9), run_of("mlp", 53.5)]
    runs += [run_of("mlp", 51.0, permutation=PATCHES), run_of("shift", 40.0, permutation=PIXELS)]
    assert cost_texts.chance(runs) == 2.5  # the MLP's, to which reordered patches are another start
    sentence = cost_texts.no_mixing_sentence(runs)
    assert "gets 50.5 % right" in sentence
    assert sentence.endswith(f"(up to 2.5 points): {TOKEN_MIXERS['pooling'].title} (+2.4 points).")
    assert cost_texts.no_mixing_sentence(runs[2:]) == ""


def test_note_of_the_recipe_with_and_without_a_measurement() -> None:
    recipe = {"epochs": 12, "batch_size": 96}
    card = {"recipe": recipe, "data": "toys", "hardware": "two cores", "accuracy_note": "seen once"}
    plain = cost_texts.cost_note(card, None)
    assert plain.startswith("Trained alike: 12 epochs on toys, batches of 96, two cores; seen once.")
    assert "Speed:" not in plain
    measured = cost_texts.cost_note(card, throughput_of("one"))
    assert measured.startswith(plain)
    assert "a processor, 3 threads, 16 images at once, bfloat16, 7 rounds" in measured
    assert "data not stated" in cost_texts.cost_note({}, None)
    assert "hardware not stated" in cost_texts.cost_note({}, None)


def test_published_networks() -> None:
    rows = [Architecture(name, "here", 224, 12_340_000, 5_670_000_000) for name in ("one", "other")]
    plain, measured = (cost_texts.architecture_table(rows, speeds) for speeds in (None, throughput_of("other")))
    assert lengths(plain) == lengths(measured) == {2}
    assert plain["network"] == ["one (here)", "other (here)"]
    assert [column[0] for column in plain.values()][1:] == ["12.3 M", "5.67 G", "–"]
    assert measured["images/s here (batch 16)"] == ["–", "1500.0 (1000.0 to 3000.0)"]
    assert lengths(cost_texts.reported_table()) == {len(REPORTED)}


def test_growth_says_how_it_was_measured() -> None:
    seconds = np.array([1e-3, 4e-3, 2e-3])
    speeds = MixerSpeeds(
        CONDITIONS, 26, (MixerSpeed("mlp", "kept", 16, seconds), MixerSpeed("shift", None, 4, seconds))
    )
    assert "Measured" not in cost_texts.growth_note(None)
    assert "a processor, 3 threads" in cost_texts.growth_note(speeds)
    text = cost_texts.measured_in_words(speeds)
    assert f"{TOKEN_MIXERS['mlp'].title} at 16 patches: 125" in text
    assert f"{TOKEN_MIXERS['shift'].title} at 4 patches: 500" in text


def test_stand_ins_and_what_they_explain() -> None:
    assert tuple(replacement_texts.KIND_NAMES) == get_args(Kind)
    fitted = Replacement("shift", np.eye(4), np.zeros(4), None, -0.25, 0.123)
    kernel = dataclasses.replace(fitted, kind="convolution", kernel=np.ones((3, 3)), factor=None, explained=-1.5)
    table = replacement_texts.replacement_table({0: fitted, 5: kernel}, {5: np.nan, 0: 0.5})
    assert lengths(table) == {2}
    assert table == {
        "block": ["1", "6"],
        "explained on five sample photos": ["12.3 %", "-150.0 %"],
        "explained on this picture": ["50.0 %", "–"],
        "factor": ["-0.250", "–"],
    }


def test_accuracy_with_and_without_the_stand_ins() -> None:
    labels = np.array([0, 1, 1, 0])
    text = replacement_texts.accuracy_sentence(ReplacedAccuracy(labels, np.array([0, 1, 1, 1]), np.array([1, 1, 0, 0])))
    assert text.startswith("Of 4 pictures the Mixer gets **3** right (75.0 %), with the stand-ins **2** (50.0 %)")
    assert "3 answers change." in text
    assert "± 25.0 points" in text  # the square root of 1/2 * 1/2 / 4


def permuted(patches: tuple[float, float], seed: int = 0) -> list[MetaFormerRun]:
    """An MLP and a convolution with 60 and 70 %, less so many points with reordered patches."""
    pairs: list[tuple[TokenMixerName, float, float]] = [("mlp", 60, patches[0]), ("convolution", 70, patches[1])]
    orders: list[tuple[Permutation, bool]] = [(PLAIN, False), (PATCHES, True)]  # type: ignore[list-item]
    return [run_of(name, plain - less * loss, seed, order) for name, plain, less in pairs for order, loss in orders]


@pytest.mark.parametrize(
    ("losses", "words"),
    [((1.5, 9.0), "held here, too: 1.5 against 9.0"), ((9.0, 1.5), "did **not** hold here: 9.0 against 1.5")],
)
def test_verdict_on_reordered_patches(losses: tuple[float, float], words: str) -> None:
    runs = permuted(losses)
    text = comparison_texts.permuted_sentence(runs)
    assert words in text
    for name, loss in zip(("mlp", "convolution"), losses, strict=True):
        assert (
            f"**{TOKEN_MIXERS[name].title}**: -{loss:.1f} points with {comparison_texts.ORDERS[PATCHES].lower()}"
            in text
        )
    assert "all pixels" not in text


def test_losses_are_of_one_seed_each_and_the_verdict_is_of_their_mean() -> None:
    alone = run_of("mlp", 99.0, 2, PLAIN)  # no reordered run has its seed
    runs = [*permuted((1.5, 9.0)), *permuted((3.5, 1.0), seed=1), alone]
    text = comparison_texts.permuted_sentence(runs)
    assert "-2.5 points (seeds: -1.5, -3.5) with" in text
    assert "-5.0 points (seeds: -9.0, -1.0) with" in text
    assert text.endswith("held here, too: 2.5 against 5.0 points.")


@pytest.mark.parametrize("missing", range(4))
def test_no_verdict_where_a_run_is_missing(missing: int) -> None:
    runs = permuted((1.5, 9.0))
    gone = runs.pop(missing)
    text = comparison_texts.permuted_sentence(runs)
    assert "reordered patches cost" not in text
    kept = {run.token_mixer for run in runs if run.permutation != PLAIN} - {gone.token_mixer}
    assert len(re.findall(r"-\d\.\d points", text)) == len(kept)
    table = comparison_texts.permuted_table(runs)
    assert lengths(table) == {2}
    assert sum(column.count("–") for column in table.values()) == 1 + 2  # and nobody has all pixels reordered
