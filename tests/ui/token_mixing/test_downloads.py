"""What is downloaded beside the atlas: every measure of every unit, and the weights."""

from __future__ import annotations

import csv
import dataclasses
import io

import numpy as np
import pytest
import streamlit as st
import torch

from mixer_viz.analysis.token_mixing.weights import Units, block_weights, units_of
from mixer_viz.model import MixerConfig
from mixer_viz.ui.choices import ChosenModel
from mixer_viz.ui.token_mixing.downloads import unit_statistics, weight_arrays
from tests.made_models import random_model


@pytest.fixture
def model(tiny_config: MixerConfig) -> ChosenModel:
    st.cache_resource.clear()
    return ChosenModel("upload:0", "own.pth", random_model(tiny_config, torch.float32))


def test_table_has_a_row_for_every_unit_of_every_block(model: ChosenModel) -> None:
    rows = list(csv.DictReader(io.StringIO(unit_statistics(model).decode("utf-8-sig"))))
    config = model.config
    places = [(block + 1, unit) for block in range(config.num_blocks) for unit in range(config.tokens_mlp_dim)]
    assert [(int(row["block"]), int(row["unit"])) for row in rows] == places
    for block in range(config.num_blocks):
        units = units_of(block_weights(model.model, block))
        for field in dataclasses.fields(Units):
            column = [float(row[field.name]) for row in rows if int(row["block"]) == block + 1]
            np.testing.assert_array_equal(column, getattr(units, field.name))  # to the last digit
    assert {row["partner"] for row in rows} >= {"-1"}  # five units: one is left over
    assert len(rows[0]) == 2 + len(dataclasses.fields(Units))


def test_arrays_are_the_models_own_weights(model: ChosenModel) -> None:
    arrays = weight_arrays(model)
    state = model.model.state_dict()
    for name, key in (("w1", "fc1.weight"), ("b1", "fc1.bias"), ("w2", "fc2.weight"), ("b2", "fc2.bias")):
        wanted = [state[f"blocks.{block}.token_mixing.{key}"].numpy() for block in range(model.config.num_blocks)]
        assert np.array_equal(arrays[name], np.stack(wanted))
    assert arrays["w1"].shape == (2, 5, 16)
