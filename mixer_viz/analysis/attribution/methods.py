"""What one attribution method is, an entry in the table, and the checks of what the caller chose."""

from __future__ import annotations

import dataclasses
import numbers
import operator
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from mixer_viz.analysis.attribution.result import Value
from mixer_viz.analysis.attribution.task import Task
from mixer_viz.analysis.ranges import check_range
from mixer_viz.language import noted, noted_list
from mixer_viz.model import MixerConfig
from mixer_viz.model.wording import shown

# What the values of a method add up to: f(image) - f(baseline), f(image), or nothing in particular.
Law = Literal["difference", "score"] | None


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One number to choose: an int or a float (as its default is) from `lowest` to `highest`, or one of `choices`."""

    name: str
    title: str
    default: Value
    lowest: float = 0
    highest: float = 0
    choices: tuple[str, ...] = ()

    def checked(self, value: Value) -> Value:
        """`value` in this parameter's type; raises ValueError, in one sentence, when it is out of range."""
        if self.choices:
            if value not in self.choices:
                raise ValueError(
                    noted(
                        "{name}={value!r} must be one of {choices}",
                        name=self.name,
                        value=value,
                        choices=noted_list(self.choices),
                    )
                )
            return value
        kind = numbers.Integral if isinstance(self.default, int) else numbers.Real
        if isinstance(value, bool) or not isinstance(value, kind):
            words = noted("a whole number") if kind is numbers.Integral else noted("a number")
            raise ValueError(
                noted(
                    "{name}={value!r} must be {words} from {lowest} to {highest}",
                    name=self.name,
                    value=value,
                    words=words,
                    lowest=self.lowest,
                    highest=self.highest,
                )
            )
        if not self.lowest <= float(value) <= self.highest:
            raise ValueError(
                noted(
                    "{name}={value} is not between {lowest} and {highest}",
                    name=self.name,
                    value=value,
                    lowest=self.lowest,
                    highest=self.highest,
                )
            )
        return type(self.default)(value)


@dataclasses.dataclass(frozen=True)
class Passes:
    """Images sent forward through the network, and images for which gradients come back."""

    forward: int
    backward: int


def _nothing_to_check(values: Mapping[str, Value]) -> None:
    """Most methods: every value within its own limits will do."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Method:
    """One method: what it answers, how it runs, what it takes and what it costs.

    `passes` counts all of `attribute`, the one or two that measure the scores included.
    """

    name: str
    title: str
    answers: str  # the question it answers, in one sentence
    run: Callable[[Task], Tensor]  # values at pixels (1, 3, H, W), or of tokens (1, ..., S)
    passes: Callable[[Mapping[str, Value]], Passes]  # of all parameters
    parameters: tuple[Parameter, ...] = ()
    law: Law = None
    in_logits: bool = True
    at_pixels: bool = True  # False: patches only
    needs_baseline: bool = True
    needs_gradient: bool = True
    draws: bool = False  # whether the seed matters, the noise baseline aside
    exact: bool = False  # a reference for the others, so never computed in less than float32
    check_together: Callable[[Mapping[str, Value]], None] = _nothing_to_check  # raises ValueError


def check_parameters(method: Method, given: Mapping[str, Value]) -> dict[str, Value]:
    """Every parameter of `method`, from `given` or by default; ValueError for unknown ones or values out of range."""
    known = {parameter.name: parameter for parameter in method.parameters}
    for name in given:
        if name not in known:
            takes = noted_list(known) or noted("none")
            raise ValueError(
                noted(
                    "{method} has no parameter {name!r} (its parameters: {takes})",
                    method=method.name,
                    name=name,
                    takes=takes,
                )
            )
    values = {name: parameter.checked(given.get(name, parameter.default)) for name, parameter in known.items()}
    method.check_together(values)
    return values


def class_number(name: str, value: object) -> int:
    """A class as a plain number, from an int, one of NumPy's or a tensor without an axis, as `logits.argmax()` is.

    Raises ValueError for anything else: truth values and fractions are no classes.
    """
    is_truth = isinstance(value, bool | np.bool_) or (isinstance(value, torch.Tensor) and value.dtype == torch.bool)
    is_one = isinstance(value, numbers.Integral) or (isinstance(value, torch.Tensor | np.ndarray) and value.ndim == 0)
    try:
        if is_one and not is_truth:
            return operator.index(value)  # type: ignore[arg-type]  # the try is for those that have none
    except TypeError as exc:
        raise ValueError(noted("{name}={value} must be the number of a class", name=name, value=shown(value))) from exc
    raise ValueError(noted("{name}={value} must be the number of a class", name=name, value=shown(value)))


def check_target(config: MixerConfig, target: int, against: int | None) -> None:
    """Raise ValueError unless both are classes, and different ones."""
    for name, value in (("target", target), ("against", target if against is None else against)):
        check_range(name, class_number(name, value), config.num_classes)
    if against == target:
        raise ValueError(noted("against={against} is the target itself: the difference would be zero", against=against))


def num_groups(config: MixerConfig, group: int) -> int:
    """How many squares of `group` x `group` patches cover the grid; those at the right and lower edge may be cut."""
    rows, columns = config.grid_shape
    return -(-rows // group) * -(-columns // group)


def num_windows(config: MixerConfig, window: int, stride: int) -> int:
    """Positions of a square window of `window` pixels moved by `stride`; the last in a row may be cut by the edge."""
    down, across = (-(-(side - window) // stride) + 1 for side in config.image_shape)
    return down * across


def fixed_cost(forward: int, backward: int) -> Callable[[Mapping[str, Value]], Passes]:
    """`Method.passes` of a method whose cost depends on no parameter."""
    return lambda values: Passes(forward, backward)


def cost_per(name: str, extra: int, with_backward: bool = True) -> Callable[[Mapping[str, Value]], Passes]:
    """`Method.passes` of a method with one pass for each of parameter `name`, and `extra` forward passes."""
    return lambda values: Passes(int(values[name]) + extra, int(values[name]) if with_backward else 0)
