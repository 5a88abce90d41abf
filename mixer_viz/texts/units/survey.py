"""What a survey says of many pictures, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from mixer_viz.analysis.receptive_field import smallest_area
from mixer_viz.survey.closer import confidence_interval
from mixer_viz.survey.output import Survey
from mixer_viz.survey.passes import Family
from mixer_viz.texts.from_files import literal

COMMAND = (
    "A survey runs over a whole folder, outside of the app: `python -m mixer_viz.survey --data DIR --model NAME --out "
    "OUT`. Choose all files of OUT here; they hold numbers and small pictures and are read, never run."
)
HERE = (
    "The pictures of a folder go through this model, in the app and for this visit alone: nothing is kept afterwards. "
    "Folders that have the names of its classes give means by class; any other pictures will do as well."
)


def survey_button(count: int, files: int, seconds: str) -> str:
    """For the button that surveys a folder, or as many of its pictures as can be looked at in time."""
    if count < files:
        return f"Survey {count:,} of its {files:,} pictures, drawn by their names ({seconds})"
    return f"Survey its {files:,} pictures ({seconds})"


Mismatch = Literal["", "sizes", "weights"]  # why a survey is not of the model that is looked at


def about(survey: Survey, model_title: str, mismatch: Mismatch = "") -> str:
    """What was surveyed, and whether it is of the model that is looked at."""
    accuracy = "" if survey.accuracy is None else f", {100 * survey.accuracy:.2f} % right"
    name = literal(str(survey.about["model"]))
    told = f"Survey of {survey.images:,} pictures by {name}{accuracy}."
    if mismatch == "sizes":
        return f"{told} It is of a Mixer with other sizes or classes than {model_title}."
    if mismatch == "weights":
        return f"{told} It is of other weights than those of {model_title}, so nothing of it is shown beside them."
    return told


MEANS: dict[Family, str] = {
    "token_units": "activation, mean over the channels",
    "channel_units": "activation, mean over the patches",
    "channels": "value, mean over the patches",
}
_MEASURED: dict[Family, str] = {
    "token_units": "the unit's activation (mean over the channels)",
    "channel_units": "the unit's activation (mean over the patches)",
    "channels": "the channel (mean over the patches)",
}


def unit_in_words(family: Family, mean: float, std: float, sample: np.ndarray, value: float, images: int) -> str:
    """Where the single picture stands among many."""
    finite = sample[np.isfinite(sample)]
    below = 100 * float((finite < value).mean()) if finite.size else 0.0
    return (
        f"Over {images:,} pictures {_MEASURED[family]} is {mean:.3g} ± {std:.2g}. On your "
        f"picture it is **{value:.3g}**: more than on {below:.0f} % of {finite.size:,} sampled ones."
    )


def correlation_in_words(correlation: np.ndarray, names: Sequence[str]) -> str:
    """With which logits the unit goes up, and against which."""
    order = np.argsort(correlation)
    high, low = int(order[-1]), int(order[0])
    return (
        f"It goes most with the logit of {names[high]} (correlation {correlation[high]:+.2f}) and most against that of "
        f"{names[low]} ({correlation[low]:+.2f}). A correlation is no effect: switching the unit off, above, is one."
    )


def effect_in_words(mean: float, std: float, pictures: int) -> str:
    """First-order effect on the top class's logit, over the pictures of the closer look."""
    return f"First-order effect on the top class: {mean:+.3g} ± {std:.2g} logits over {pictures} pictures."


def lens_table(survey: Survey) -> dict[str, list[str]]:
    """Right answers and agreement with the final answer at every block, as columns of a table."""
    right, same = survey.arrays["logit_lens.right"], survey.arrays["logit_lens.as_final"]
    labels, answers = survey.arrays["predictions.labels"], survey.arrays["predictions.answers"]
    known = max(1, int(((labels >= 0) & (answers >= 0)).sum()))
    stages = ["embedding", *(f"block {number}" for number in range(1, len(right)))]
    table = {"after": stages, "as the final answer": [f"{100 * each / max(1, survey.images):.1f} %" for each in same]}
    if survey.accuracy is not None:
        table["right"] = [f"{100 * each / known:.1f} %" for each in right]
    return table


def metrics_table(survey: Survey) -> dict[str, list[str]]:
    """Every measure of every attribution method with its interval over images, as columns of a table."""
    rows = survey.arrays["closer.attribution"][survey.arrays["closer.done"] > 0]
    measures = [literal(str(each)) for each in survey.about["measures"]]
    table = {"mean and 95 % interval": measures}
    if not len(rows):
        return table
    mean, low, high = confidence_interval(rows)
    for at, method in enumerate(survey.about["methods"]):
        table[literal(str(method)).replace("&#95;", " ").replace("_", " ")] = [
            f"{mean[at, m]:.3f} ({low[at, m]:.3f} to {high[at, m]:.3f})" for m in range(len(measures))
        ]
    return table


def field_notes(maps: np.ndarray) -> tuple[str, ...]:
    """How large a part of the picture holds half of the gradient at every stage (L + 1, S), from mean maps."""
    areas = smallest_area(maps, (0.5,))[:, 0]
    return tuple(
        "no gradient" if np.isnan(area) else f"half of it in {100 * area:.0f} % of the patches" for area in areas
    )


def confused_table(confusion: np.ndarray, names: Sequence[str], most: int = 8) -> dict[str, list[str]]:
    """The most frequent wrong answers, as columns of a table; (K, K) counts, a row per class."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [divmod(int(place), len(names)) for place in order if wrong.flat[place] > 0]
    return {
        "shows": [names[row] for row, _ in pairs],
        "answered as": [names[column] for _, column in pairs],
        "pictures": [f"{int(wrong[row, column]):,} of {int(confusion[row].sum()):,}" for row, column in pairs],
    }
