"""A survey of pictures that are in memory, such as a visitor's upload: bounded, and nothing of it is written."""

from __future__ import annotations

import time

from mixer_viz.analysis.chunks import Cancelled, Progress, chunk_for
from mixer_viz.language import noted
from mixer_viz.model import MlpMixer
from mixer_viz.survey.closer import CloserPlan
from mixer_viz.survey.folder import Pictures
from mixer_viz.survey.output import Survey
from mixer_viz.survey.run import Share, SurveyError, run_share, weights_hash
from mixer_viz.survey.tables import survey_of


def survey_in_memory(
    model: MlpMixer,
    name: str,
    pictures: Pictures,
    *,
    closer: int = 0,
    most_seconds: float = float("inf"),
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Survey:
    """What `python -m mixer_viz.survey` finds, in this process and without a file.

    Args:
        name: of the model, as the survey tells it.
        closer: how many pictures get derivatives and receptive fields; attributions are not measured.
        most_seconds: after so many it gives up.
        progress, cancelled: as for `attribute`; pictures are counted.
    Raises SurveyError, one sentence, when it takes too long or no picture can be read, AnalysisCancelled when told to
    stop.
    """
    ends = time.monotonic() + most_seconds

    def is_cancelled() -> bool:
        if time.monotonic() > ends:
            raise SurveyError(
                noted(
                    "it took more than {minutes:.0f} minutes; choose fewer or smaller pictures, or a smaller model",
                    minutes=most_seconds / 60,
                )
            )
        return cancelled is not None and cancelled()

    share = Share(
        rank=0,
        world_size=1,
        chunk=chunk_for(model.config, model.stem.weight.device, with_gradient=False),
        workers=1,
        save_seconds=float("inf"),
        model=name,
        weights=weights_hash(model),
        closer=CloserPlan.of(model.config, pictures.sample(closer), ()),
    )
    state, content = run_share(model, pictures, share, None, progress=progress, cancelled=is_cancelled)
    if not state["count"][0]:
        raise SurveyError(noted("none of these files is a readable picture; choose others"))
    return survey_of(model, share, pictures, state, content)
