"""What quantities are worked out from: model, picture, and what the fields of the page say."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from mixer_viz.analysis.arrays import one_image, probabilities, to_double
from mixer_viz.analysis.chunks import Progress
from mixer_viz.model import MlpMixer, Trace

Value = float | str


@dataclasses.dataclass(frozen=True)
class Situation:
    """One state of the app; quantities raise KeyError for a parameter that it does not have, and ValueError."""

    model: MlpMixer
    trace: Trace  # of one picture
    parameters: Mapping[str, str]  # under their names in links; blocks are counted from 1 there
    model_name: str = ""
    picture: str = ""  # the sample's name; for networks that see it in another size
    progress: Progress | None = None  # told of passes by what takes many; it may let others compute meanwhile

    def text(self, name: str) -> str:
        """A parameter; KeyError where it is missing."""
        return self.parameters[name]

    def whole(self, name: str) -> int:
        """A parameter that is a whole number; ValueError for another."""
        return int(self.parameters[name])

    @property
    def block(self) -> int:
        """The chosen block, counted from 0."""
        return self.whole("block") - 1

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of the model; ValueError where it has none."""
        if self.model.config.class_names is None:
            raise ValueError("this model has no class names")
        return self.model.config.class_names

    @property
    def answer(self) -> np.ndarray:
        """Class probabilities (num_classes,) float64."""
        return probabilities(to_double(one_image(self.trace.logits)))

    def best(self, values: np.ndarray) -> str:
        """Name of the class with the largest of (num_classes,) values."""
        return self.class_names[int(values.argmax())]

    def percent(self, values: np.ndarray) -> float:
        """The value of (num_classes,) probabilities for the class that the parameter "class" names, in percent."""
        return 100.0 * float(values[self.class_names.index(self.text("class"))])
