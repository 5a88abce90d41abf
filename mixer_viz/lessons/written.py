"""Numbers as the texts of lessons write them, and what they are by the sample pictures and bundled models."""

from __future__ import annotations

import functools
import re

from mixer_viz.checkpoints import load_model
from mixer_viz.images import preprocess
from mixer_viz.images.samples import load_sample
from mixer_viz.lessons.lesson import Quantity, State
from mixer_viz.lessons.quantities import Situation, value_of
from mixer_viz.lessons.quantities.situation import Value
from mixer_viz.model import MlpMixer, Trace, trace

EXACTLY = "exactly"  # a number by definition, which nothing can be measured for
# A Chinese character beside a number hides none.
NUMBER = re.compile(r"(?<![A-Za-z0-9_₀-₉.])[−-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![A-Za-z0-9_])")


def numbers_in(text: str) -> list[str]:
    """All numbers of a text, as they are written."""
    return NUMBER.findall(text)


def shown_value(shown: str) -> float:
    """What a written number means."""
    return float(shown.replace("−", "-").replace(",", ""))


def half_of_the_last_digit(shown: str) -> float:
    """How far a number may be off that is rounded to these digits."""
    return 0.5 * 10.0 ** -len(shown.partition(".")[2])


def written_like(value: float, shown: str) -> str:
    """A value with as many decimals as `shown` has, a minus sign, and commas where that has one, or it is long."""
    decimals = len(shown.partition(".")[2])
    commas = "," if "," in shown or abs(value) >= 10_000 else ""
    return f"{value:z{commas}.{decimals}f}".replace("-", "−")


@functools.lru_cache(maxsize=4096)
def measured(state: State, quantity: Quantity) -> Value:
    """A quantity in a state of the app, worked out anew; raises as `value_of` does."""
    model, seen = looked_at(state.get("model"), state.get("image"))
    parameters = {"page": state.page, **dict(state.parameters), **dict(quantity.parameters)}
    return value_of(quantity.name, Situation(model, seen, parameters, state.get("model")))


@functools.lru_cache(maxsize=32)
def looked_at(model: str, image: str) -> tuple[MlpMixer, Trace]:
    """A bundled model, and its forward pass of a sample picture."""
    loaded = load_model(model, "cpu")
    return loaded, trace(loaded, preprocess(load_sample(image), loaded))
