"""Many images at once: equal to single calls, in their order, one at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_models import random_model, random_pixels

import mixer_viz as mv
from mixer_viz.analysis.activations.logit_attribution import logit_attribution
from mixer_viz.analysis.activations.logit_lens import logit_lens
from mixer_viz.analysis.activations.residual_stream import residual_stream
from mixer_viz.analysis.activations.similarity import token_drift
from mixer_viz.analysis.attribution.deletion import deletion_insertion
from mixer_viz.analysis.chunks import AnalysisCancelled
from mixer_viz.analysis.overview import overview_of
from mixer_viz.analysis.receptive_field import receptive_field
from mixer_viz.analysis.token_mixing.depth import depth_curves
from mixer_viz.analysis.token_mixing.unit_effect import unit_effects
from mixer_viz.analysis.token_mixing.weights import block_weights, units_of
from mixer_viz.model import MixerConfig, MlpMixer


def test_attributions_of_a_batch_are_those_of_single_calls(tiny_config: MixerConfig) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config, 3)
    targets = [4, 0, 4]
    told: list[tuple[int, int]] = []
    many = mv.attribute(model, pixels, targets, "gradient_shap", seed=3, samples=2, progress=lambda *a: told.append(a))
    assert told == [(1, 3), (2, 3), (3, 3)]
    for image, target, found in zip(pixels, targets, many, strict=True):
        single = mv.attribute(model, image[None], target, "gradient_shap", seed=3, samples=2)
        assert found.target == target
        np.testing.assert_array_equal(found.patch_map, single.patch_map)
    from_tensor = mv.attribute(model, pixels, torch.tensor(targets), "saliency")  # type: ignore[call-overload]
    assert [each.target for each in from_tensor] == targets


def test_any_analysis_of_one_image_takes_many(tiny_config: MixerConfig) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config, 3)
    effects = mv.for_each_image(unit_effects, model, pixels, 1)
    np.testing.assert_array_equal(effects[2], unit_effects(model, pixels[2:], 1))
    fields = mv.for_each_image(receptive_field, model, (image for image in pixels), token=2)
    np.testing.assert_array_equal(fields[1].maps, receptive_field(model, pixels[1:2], 2).maps)
    traces = mv.for_each_image(mv.trace, model, pixels)
    assert torch.equal(traces[1].logits, mv.trace(model, pixels[1:2]).logits)


def test_only_one_image_is_in_work_at_a_time(tiny_config: MixerConfig) -> None:
    seen: list[int] = []

    def images() -> object:
        for number in range(3):
            assert len(seen) == number  # the one before is done before the next is read
            yield random_pixels(tiny_config)

    def analysis(model: MlpMixer, pixels: torch.Tensor) -> int:
        seen.append(len(pixels))
        return len(seen)

    assert mv.for_each_image(analysis, random_model(tiny_config), images()) == [1, 2, 3]  # type: ignore[arg-type]


def test_targets_must_be_as_many_as_images(tiny_config: MixerConfig) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config, 3)
    with pytest.raises(ValueError, match="2 targets for 3 images"):
        mv.attribute(model, pixels, [1, 2])
    with pytest.raises(ValueError, match="targets for more images"):
        mv.for_each_image(mv.attribute, model, iter(pixels), targets=[1, 2], method="saliency")
    with pytest.raises(ValueError, match="3 targets for 2 images"):
        mv.for_each_image(mv.attribute, model, iter(pixels[:2]), targets=[1, 2, 3], method="saliency")
    with pytest.raises(AnalysisCancelled):
        mv.attribute(model, pixels, [1, 2, 3], cancelled=lambda: True)


def test_results_as_tables(tiny_config: MixerConfig) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    result = mv.attribute(model, pixels, 3, "saliency")
    frame = result.to_frame()
    assert frame["value"].tolist() == result.patch_map.tolist()
    assert "saliency" in result._repr_html_()
    units = units_of(block_weights(model, 1))
    assert units.to_frame().loc[2, "frequency"] == units.frequency[2]
    assert "frequency" in units._repr_html_()
    lens = logit_lens(model, mv.trace(model, pixels))
    table = lens.to_frame()
    row = table[(table.stage == 3) & (table["class"] == 7)].iloc[0]
    assert (row["logit"], row["name"]) == (lens.logits[3, 7], "block 2 token mixing")
    found = mv.maximise(model, mv.Objective(kind="class", index=1), starts=2, steps=2)
    assert found.to_frame()["activation"].tolist() == found.activations.tolist()
    assert found._repr_png_().startswith(b"\x89PNG")


def test_results_of_one_pass_as_tables(tiny_config: MixerConfig) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    traced = mv.trace(model, pixels)
    stream, drift = residual_stream(traced).to_frame(), token_drift(traced).to_frame()
    parts = logit_attribution(model, traced, 3)
    stages = 1 + 2 * tiny_config.num_blocks
    for table in (stream, drift, parts.to_frame()):
        assert len(table) == stages
        assert table["name"].iloc[3] == "block 2 token mixing"
    assert stream["ratio"].iloc[2] == residual_stream(traced).ratio[2]
    assert drift["to_mean"].iloc[2] == token_drift(traced).to_mean[2].mean()
    assert parts.to_frame()["part"].sum() + parts.constant == pytest.approx(parts.logit, abs=1e-5)
    answer = overview_of(traced).to_frame()
    assert answer["class"].iloc[0] == int(traced.logits.argmax())
    curves = deletion_insertion(model, pixels, parts.patch_parts.sum(axis=0), 3, steps=2, controls=2)
    table = curves.to_frame()
    assert table["random_deletion"].tolist() == curves.random_deletion.mean(axis=0).tolist()
    assert table["share"].tolist() == [0.0, *curves.shares[1:-1].tolist(), 1.0]
    blocks = [block_weights(model, block) for block in range(tiny_config.num_blocks)]
    depth = depth_curves(blocks)
    assert depth.to_frame()["effective_rank2"].tolist() == depth.effective_rank2.tolist()
    assert len(depth.to_frame()) == tiny_config.num_blocks
