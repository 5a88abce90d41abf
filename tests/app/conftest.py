"""The app, run without a browser: fresh caches for every file of tests, and no sight of the Hub or of its cache."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
import streamlit as st
import torch
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

import mixer_viz as mv
from mixer_viz.checkpoints import bundled, hub
from mixer_viz.images.samples import load_sample
from mixer_viz.model import MixerConfig, MlpMixer, Trace
from mixer_viz.ui.compute.jobs import job_table
from tests.app.driving import BUNDLED, READ_CARD, start

# Every AppTest asks each installed distribution for components: half of its time, for the same answer again.
installed_components = functools.cache(manifest_scanner.scan_component_manifests)


WORK_SECONDS = 60.0  # until the next of a computation's chunks, at most
_SEEN: set[object] = set()  # the file whose tests share what is in the caches


def beginning_with_the_smaller_one(path: Path) -> bundled.BundledModel:
    return replace(READ_CARD(path), is_first=path.stem == BUNDLED)


def offline(*_: object, **__: object) -> NoReturn:
    raise ConnectionError("the tests have no network")


def end_jobs() -> None:
    """What a test's visitor has left behind: the server would go on with it for the twenty seconds of its patience."""
    jobs = [job for job in list(job_table()._jobs.values()) if not job.future.done()]
    for job in jobs:
        job.cancel()
    wait([job.future for job in jobs], WORK_SECONDS)


@pytest.fixture(autouse=True)
def fresh_app(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Caches belong to the process, so without this a file's first test would get another one's models."""
    monkeypatch.setattr(bundled, "_read_card", beginning_with_the_smaller_one)
    monkeypatch.setattr(manifest_scanner, "scan_component_manifests", installed_components)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", offline)
    monkeypatch.setattr(hub, "_check_network", lambda: None)
    is_own = request.node.get_closest_marker("own_caches") is not None
    if is_own or request.module not in _SEEN:
        _SEEN.clear()
        _SEEN.add(request.module)
        st.cache_resource.clear()
        st.cache_data.clear()
    yield
    end_jobs()
    if is_own:
        _SEEN.clear()  # what it left there is not for the next one
    PagesManager.uses_pages_directory = None


@pytest.fixture
def app() -> AppTest:
    """A visitor's first page: Overview with the bundled model and the first sample."""
    return start()


@pytest.fixture
def make_model(tiny_config: MixerConfig) -> Callable[..., MlpMixer]:
    """A tiny Mixer with changed settings and seeded random weights."""

    def make(**changes: object) -> MlpMixer:
        torch.manual_seed(0)
        return MlpMixer(replace(tiny_config, **changes)).eval().requires_grad_(False)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="module")
def model() -> MlpMixer:
    """The bundled model, as the app has it."""
    return mv.load_model(BUNDLED, "cpu")


@pytest.fixture
def pixels(model: MlpMixer) -> torch.Tensor:
    return mv.preprocess(load_sample("cat"), model)


@pytest.fixture(scope="module")
def traced(model: MlpMixer) -> Trace:
    return mv.trace(model, mv.preprocess(load_sample("cat"), model))


@pytest.fixture(scope="module")
def top(traced: Trace) -> int:
    """The class that the bundled model answers for the cat."""
    return int(traced.logits[0].argmax())
