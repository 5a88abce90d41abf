"""What a survey says of many pictures, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from mixer_viz.analysis.receptive_field import smallest_area
from mixer_viz.language import mark, tr
from mixer_viz.survey.closer import MEASURES, confidence_interval
from mixer_viz.survey.output import Survey
from mixer_viz.survey.passes import Family
from mixer_viz.texts.from_files import literal
from mixer_viz.texts.names.methods import method_in_words

COMMAND = mark(
    "A survey runs over a whole folder, outside of the app: `python -m mixer_viz.survey --data DIR --model NAME --out "
    "OUT`. Choose all files of OUT here; they hold numbers and small pictures and are read, never run."
)
HERE = mark(
    "The pictures of a folder go through this model, in the app and for this visit alone: nothing is kept afterwards. "
    "Folders that have the names of its classes give means by class; any other pictures will do as well."
)


def survey_button(count: int, files: int, seconds: str) -> str:
    """For the button that surveys a folder, or as many of its pictures as can be looked at in time."""
    if count < files:
        return tr(
            "Survey {count:,} of its {files:,} pictures, drawn by their names ({seconds})",
            count=count,
            files=files,
            seconds=seconds,
        )
    return tr("Survey its {files:,} pictures ({seconds})", files=files, seconds=seconds)


Mismatch = Literal["", "sizes", "weights"]  # why a survey is not of the model that is looked at


def about(survey: Survey, model_title: str, mismatch: Mismatch = "") -> str:
    """What was surveyed, and whether it is of the model that is looked at."""
    name = literal(str(survey.about["model"]))
    if survey.accuracy is None:
        told = tr("Survey of {images:,} pictures by {model}.", images=survey.images, model=name)
    else:
        told = tr(
            "Survey of {images:,} pictures by {model}, {accuracy:.2f} % right.",
            images=survey.images,
            model=name,
            accuracy=100 * survey.accuracy,
        )
    if mismatch == "sizes":
        return tr("{told} It is of a Mixer with other sizes or classes than {model}.", told=told, model=model_title)
    if mismatch == "weights":
        return tr(
            "{told} It is of other weights than those of {model}, so nothing of it is shown beside them.",
            told=told,
            model=model_title,
        )
    return told


MEANS: dict[Family, str] = {
    "token_units": mark("activation, mean over the channels"),
    "channel_units": mark("activation, mean over the patches"),
    "channels": mark("value, mean over the patches"),
}
_MEASURED: dict[Family, str] = {
    "token_units": mark("the unit's activation (mean over the channels)"),
    "channel_units": mark("the unit's activation (mean over the patches)"),
    "channels": mark("the channel (mean over the patches)"),
}


def unit_in_words(family: Family, mean: float, std: float, sample: np.ndarray, value: float, images: int) -> str:
    """Where the single picture stands among many."""
    finite = sample[np.isfinite(sample)]
    below = 100 * float((finite < value).mean()) if finite.size else 0.0
    return tr(
        "Over {images:,} pictures {measured} is {mean:.3g} ± {std:.2g}. On your picture it is **{value:.3g}**: more "
        "than on {below:.0f} % of {sampled:,} sampled ones.",
        images=images,
        measured=tr(_MEASURED[family]),
        mean=mean,
        std=std,
        value=value,
        below=below,
        sampled=finite.size,
    )


def correlation_in_words(correlation: np.ndarray, names: Sequence[str]) -> str:
    """With which logits the unit goes up, and against which."""
    order = np.argsort(correlation)
    high, low = int(order[-1]), int(order[0])
    return tr(
        "It goes most with the logit of {most} (correlation {high:+.2f}) and most against that of {least} "
        "({low:+.2f}). A correlation is no effect: switching the unit off, above, is one.",
        most=names[high],
        high=correlation[high],
        least=names[low],
        low=correlation[low],
    )


def effect_in_words(mean: float, std: float, pictures: int) -> str:
    """First-order effect on the top class's logit, over the pictures of the closer look."""
    return tr(
        "First-order effect on the top class: {mean:+.3g} ± {std:.2g} logits over {pictures} pictures.",
        mean=mean,
        std=std,
        pictures=pictures,
    )


def lens_table(survey: Survey) -> dict[str, list[str]]:
    """Right answers and agreement with the final answer at every block, as columns of a table."""
    right, same = survey.arrays["logit_lens.right"], survey.arrays["logit_lens.as_final"]
    labels, answers = survey.arrays["predictions.labels"], survey.arrays["predictions.answers"]
    known = max(1, int(((labels >= 0) & (answers >= 0)).sum()))
    stages = [tr("embedding"), *(tr("block {block}", block=number) for number in range(1, len(right)))]
    table = {tr("after"): stages, tr("as the final answer"): [_percent(each, survey.images) for each in same]}
    if survey.accuracy is not None:
        # An empty value keeps a message apart from another one that is spelled alike, here from the direction.
        table[tr("right{answers}", answers="")] = [_percent(each, known) for each in right]
    return table


def _percent(part: int, whole: int) -> str:
    return tr("{share:.1f} %", share=100 * part / max(1, whole))


def metrics_table(survey: Survey) -> dict[str, list[str]]:
    """Every measure of every attribution method with its interval over images, as columns of a table."""
    rows = survey.arrays["closer.attribution"][survey.arrays["closer.done"] > 0]
    measures = [literal(tr(each) if each in MEASURES else str(each)) for each in survey.about["measures"]]
    table = {tr("mean and 95 % interval"): measures}
    if not len(rows):
        return table
    mean, low, high = confidence_interval(rows)
    for at, method in enumerate(survey.about["methods"]):
        table[literal(method_in_words(str(method)))] = [
            tr("{mean:.3f} ({low:.3f} to {high:.3f})", mean=mean[at, m], low=low[at, m], high=high[at, m])
            for m in range(len(measures))
        ]
    return table


def field_notes(maps: np.ndarray) -> tuple[str, ...]:
    """How large a part of the picture holds half of the gradient at every stage (L + 1, S), from mean maps."""
    areas = smallest_area(maps, (0.5,))[:, 0]
    return tuple(
        tr("no gradient") if np.isnan(area) else tr("half of it in {share:.0f} % of the patches", share=100 * area)
        for area in areas
    )


def confused_table(confusion: np.ndarray, names: Sequence[str], most: int = 8) -> dict[str, list[str]]:
    """The most frequent wrong answers, as columns of a table; (K, K) counts, a row per class."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [divmod(int(place), len(names)) for place in order if wrong.flat[place] > 0]
    return {
        tr("shows"): [names[row] for row, _ in pairs],
        tr("answered as"): [names[column] for _, column in pairs],
        tr("pictures{column}", column=""): [
            tr("{count:,} of {total:,}", count=int(wrong[row, column]), total=int(confusion[row].sum()))
            for row, column in pairs
        ],
    }
