"""The only way to keep results between runs: a decorator whose keys hold every argument; the bounds of all caches."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Generic, Literal, ParamSpec, TypeVar

import streamlit as st

from mixer_viz import language
from mixer_viz.checkpoints.metaformer_runs import TrainedMetaFormer
from mixer_viz.model import MixerConfig
from mixer_viz.ui.choices import Choice, ChosenModel, LabelledFolder, Picture, UploadedWeights
from mixer_viz.ui.compute.result_size import size_of

P = ParamSpec("P")
Result = TypeVar("Result")

# How many entries each function keeps, by what it keeps; the oldest goes first.
BOUNDS = {
    "model": 3,  # and what is fitted to one: L/16 has 0.8 GB, B/16 0.2 GB and fits of 15 MB
    "picture": 32,  # crops, previews and thumbnails: at most 2 MB each
    "trace": 3,  # bundled model 4 MB, B/16 0.1 GB, L/16 0.4 GB each
    "weights": 4,  # token-mixing weights, and what is measured of all blocks: L/16 has 19 MB
    "result": 32,  # of one model, picture, block or patch: B/16 at most 3 MB each
    "passes": 128,  # logits without sets of patches: 1,000 classes have 8 KB for each set
    "compared network": 16,  # 0.2 M parameters each, 1 MB
    "compared answers": 64,  # some KB each
    "compared result": 512,  # who listens to whom 100 KB, a receptive field 60 KB, of each network
    "folder": 1,  # for each visit, at most 300 MB, and gone with it
    "device": 8,  # a lock for each
    "page": 16,  # nothing for each
    "single": 1,  # functions without arguments: tables of some KB; the published networks have 0.7 GB
}

# What stands in a key for what would take long to hash, or cannot be. All else in a key is a plain value.
KEYS: dict[type, Callable[[Any], object]] = {
    Choice: lambda choice: (choice.picture.key, choice.model.key),
    ChosenModel: attrgetter("key"),
    Picture: attrgetter("key"),
    UploadedWeights: attrgetter("key"),
    LabelledFolder: attrgetter("key"),
    TrainedMetaFormer: attrgetter("run.name"),
    MixerConfig: MixerConfig.to_json,
}
_PLAIN = (str, int, float, bool, types.NoneType)


class Kept(Generic[P, Result]):
    """A function that keeps its results, each under all of its arguments."""

    def __init__(self, function: Callable[P, Result], bound: str, cached: Any) -> None:
        functools.update_wrapper(self, function)
        self.bound = bound
        self._signature, self._cached = inspect.signature(function), cached

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Result:
        # By place and with defaults: Streamlit would take other spellings of one call for other calls.
        given = self._signature.bind(*args, **kwargs)
        given.apply_defaults()
        with language.for_everybody():
            result: Result = self._cached(*given.args, **given.kwargs)
        return result

    def clear(self) -> None:
        """Forget all results."""
        self._cached.clear()

    def held(self) -> tuple[int, int]:
        """How many results are kept for all visitors, and how many bytes `size_of` finds in them."""
        info = self._cached._info  # Streamlit counts bytes too, through every Python object: seconds for a network
        if info.scope != "global":
            return 0, 0
        cache = info.get_function_cache(self._cached._function_key)
        values = [getattr(each, "value", each) for each in _entries(getattr(cache, "storage", cache))]
        return len(values), sum(size_of(value) for value in values)


class _Spinner(str):
    """What a page says while something is worked out, in the language of the visit that waits."""

    def __str__(self) -> str:
        with language.speaking(language.of_visit()):
            return language.tr(str.__str__(self))


def _entries(cache: Any) -> list[Any]:
    with cache._mem_cache_lock:
        return list(cache._mem_cache.values())


_all: list[Kept[Any, Any]] = []


def all_kept() -> tuple[Kept[Any, Any], ...]:
    """Every function of the modules imported so far that keeps its results."""
    return tuple(_all)


def kept(
    bound: str,
    spinner: str | Literal[False] = False,
    *,
    copied: bool = False,
    seconds: float | None = None,
    per_visit: bool = False,
) -> Callable[[Callable[P, Result]], Kept[P, Result]]:
    """Keep the results of a function for all visitors.

    Every parameter is part of the key, so each must have a type that says how: a plain value, a tuple or a frozen
    dataclass of such, or one of KEYS. Raises TypeError, at import, for any other.

    Args:
        bound: which of BOUNDS; KeyError for another.
        spinner: what the page says meanwhile, a message that is marked.
        copied: each caller gets a copy; without it the result is shared, so nobody may write into it.
        seconds: after these it is computed anew.
        per_visit: each visit has its own, gone with it.
    """

    def decorate(function: Callable[P, Result]) -> Kept[P, Result]:
        _check_parameters(function)
        keep: Any = st.cache_data if copied else st.cache_resource
        scope = "session" if per_visit else "global"
        said = _Spinner(spinner) if spinner else False
        options = {"max_entries": BOUNDS[bound], "show_spinner": said, "ttl": seconds, "scope": scope}
        _all.append(Kept(function, bound, keep(hash_funcs=KEYS, **options)(function)))
        return _all[-1]

    return decorate


def _check_parameters(function: Callable[..., Any]) -> None:
    hints = typing.get_type_hints(function)
    for name, parameter in inspect.signature(function).parameters.items():
        where = f"{function.__module__}.{function.__qualname__}: {name}"
        if name.startswith("_"):
            raise TypeError(f"{where} would not be part of the key: Streamlit leaves out what starts with _")
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(f"{where} stands for any number of arguments: name them")
        if name not in hints or not _can_be_key(hints[name]):
            raise TypeError(f"{where} has no type that can be part of a key: give it a plain one, or one of KEYS")


def _can_be_key(hint: Any) -> bool:
    if hint in _PLAIN or hint in KEYS:
        return True
    origin = typing.get_origin(hint)
    if origin is Literal:
        return True
    if origin in (tuple, typing.Union, types.UnionType):
        return all(_can_be_key(part) for part in typing.get_args(hint) if part is not Ellipsis)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        frozen: bool = hint.__dataclass_params__.frozen  # type: ignore[attr-defined]
        return frozen and all(_can_be_key(part) for part in typing.get_type_hints(hint).values())
    return False
