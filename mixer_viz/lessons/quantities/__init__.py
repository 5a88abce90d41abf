"""Numbers and names of a state of the app, by which lessons are checked: those in their texts, and what pupils reach."""

from mixer_viz.lessons.quantities.situation import Situation
from mixer_viz.lessons.quantities.table import QUANTITIES, value_of

__all__ = ["QUANTITIES", "Situation", "value_of"]
