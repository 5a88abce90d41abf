"""Results are kept under every argument of the function that found them, and never without a bound."""

from __future__ import annotations

import ast
import io
import pkgutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import streamlit as st
import torch

import mixer_viz.ui
from mixer_viz.analysis.activations.ablation import Ablation
from mixer_viz.model import MlpMixer
from mixer_viz.ui.choices import Choice, ChosenModel, LabelledFolder, Picture, UploadedWeights
from mixer_viz.ui.compute import caching
from mixer_viz.ui.compute.caching import BOUNDS, KEYS, Kept, kept

UI = Path(mixer_viz.ui.__file__).parent
HOME = Path(caching.__file__)


@pytest.fixture(autouse=True)
def fresh_caches() -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


def caches() -> dict[str, Kept[..., Any]]:
    """Every cache of the app by its module and name."""
    found: dict[str, Kept[..., Any]] = {}
    for module in pkgutil.walk_packages(mixer_viz.ui.__path__, "mixer_viz.ui."):
        for value in vars(import_module(module.name)).values():
            if isinstance(value, Kept):
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return found


def test_streamlits_own_caches_are_used_in_one_place() -> None:
    """Theirs leave out of the key what starts with an underscore, and have no bound unless told."""
    uses = []
    files = sorted(path for top in (UI, UI.parents[1] / "pages") for path in top.rglob("*.py"))
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node, "attr", getattr(node, "name", "") if isinstance(node, ast.alias) else "")
            if name in ("cache_data", "cache_resource", "cache"):
                uses.append(path)
    assert len(files) >= 60  # the walk has seen the folders and what lies below them
    assert uses == [HOME, HOME]


def test_every_cache_has_its_bound() -> None:
    found = caches()
    assert len(found) >= 40
    for name, cache in found.items():
        assert cache.bound in BOUNDS, name
    assert {cache.bound for cache in found.values()} == set(BOUNDS)  # none is left from a cache that has gone
    assert all(1 <= bound <= 512 for bound in BOUNDS.values())
    with pytest.raises(KeyError):
        kept("no such bound")(lambda: None)


def test_the_oldest_result_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BOUNDS, "two", 2)
    calls = []

    @kept("two")
    def square(number: int) -> int:
        calls.append(number)
        return number**2

    assert [square(number) for number in (1, 2, 2, 3, 2, 1)] == [1, 4, 4, 9, 4, 1]
    assert calls == [1, 2, 3, 1]
    square.clear()
    square(1)
    assert calls[-1] == 1
    assert len(calls) == 5


def test_one_call_in_all_its_spellings_is_one_entry() -> None:
    calls = []

    @kept("result")
    def pair(first: int, second: str = "b") -> object:
        calls.append((first, second))
        return object()

    assert len({pair(1), pair(1, "b"), pair(first=1), pair(second="b", first=1), pair(1, second="b")}) == 1
    assert pair(1, "c") is not pair(1)
    assert calls == [(1, "b"), (1, "c")]
    with pytest.raises(TypeError):
        pair()  # type: ignore[call-arg]


def underscored(key: str, _choice: Choice) -> None: ...
def untyped(key) -> None: ...  # type: ignore[no-untyped-def]
def array(order: np.ndarray) -> None: ...
def tensor(pixels: torch.Tensor) -> None: ...
def network(model: MlpMixer) -> None: ...
def anything(key: Any) -> None: ...
def inside(keys: tuple[np.ndarray, ...]) -> None: ...
def variable(keys: list[int]) -> None: ...
def content(data: bytes) -> None: ...
def several(*keys: str) -> None: ...
def named(**keys: str) -> None: ...


@pytest.mark.parametrize(
    "function", [underscored, untyped, array, tensor, network, anything, inside, variable, content, several, named]
)
def test_what_would_fall_out_of_the_key_is_refused_at_import(function: Callable[..., None]) -> None:
    with pytest.raises(TypeError, match=function.__name__):
        kept("result")(function)


Sets = tuple[tuple[int, ...], ...]


def everything(
    choice: Choice, sets: Sets, away: tuple[Ablation, ...], kind: Literal["a", "b"], at: int | None
) -> object:
    return object()


def test_every_argument_is_part_of_the_key(tiny_model: MlpMixer) -> None:
    keep = kept("passes")(everything)
    models = [ChosenModel(key, "same title", tiny_model) for key in ("first", "second")]
    pictures = [Picture(key, "same title", None) for key in ("cat", "dog")]
    choices = [Choice(model, picture) for model in models for picture in pictures]
    options: list[list[Any]] = [
        choices,
        [(), ((),), ((1,),), ((1, 2),), ((1,), (2,))],
        [(), (Ablation("branch", 1),), (Ablation("branch", 2),), (Ablation("branch", 1, to="mean"),)],
        ["a", "b"],
        [2, 0, 1],
    ]
    found = [keep(*(each[0] for each in options))]
    for place, others in enumerate(options):
        for other in others[1:]:
            found.append(keep(*(other if at == place else each[0] for at, each in enumerate(options))))
    assert len(set(found)) == len(found) == 1 + sum(len(each) - 1 for each in options)


def test_of_a_picture_and_a_model_the_key_counts_and_nothing_else(tiny_model: MlpMixer) -> None:
    """Else a key would be the whole picture, or the weights."""
    other = MlpMixer(tiny_model.config)

    @kept("result")
    def of(choice: Choice) -> object:
        return object()

    first = of(Choice(ChosenModel("key", "one", tiny_model), Picture("cat", "Cat", None)))
    assert first is of(Choice(ChosenModel("key", "two", other), Picture("cat", "Another title", io.BytesIO().read())))
    assert first is not of(Choice(ChosenModel("key", "one", tiny_model), Picture("dog", "Cat", None)))


def test_uploads_of_one_name_have_keys_of_their_own() -> None:
    key = KEYS[UploadedWeights]
    assert key(UploadedWeights("a.pth", b"1")) == key(UploadedWeights("a.pth", b"1"))
    assert len({key(UploadedWeights("a.pth", data, side)) for data in (b"1", b"2") for side in (None, b"{}")}) == 4
    folders = [LabelledFolder(((name, data),)) for name in ("cat/0.png", "dog/0.png") for data in (b"1", b"2")]
    assert len({KEYS[LabelledFolder](folder) for folder in folders}) == 4
