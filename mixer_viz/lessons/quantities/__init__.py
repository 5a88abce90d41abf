"""Numbers and names of a state of the app: those that lessons say in their texts, and those that pupils reach."""

from mixer_viz.lessons.quantities.situation import Situation
from mixer_viz.lessons.quantities.table import QUANTITIES, value_of

__all__ = ["QUANTITIES", "Situation", "value_of"]
