"""`python -m mixer_viz.survey`: the command line."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from mixer_viz.analysis.attribution.table import methods_for
from mixer_viz.analysis.chunks import AnalysisCancelled, chunk_for
from mixer_viz.checkpoints import CheckpointError, load_model
from mixer_viz.images import ImageError
from mixer_viz.model import MlpMixer
from mixer_viz.survey.closer import CloserPlan
from mixer_viz.survey.folder import Pictures, find_pictures
from mixer_viz.survey.output import JSON_NAME, KINDS, write_survey
from mixer_viz.survey.run import Share, SurveyError, merge_shares, run_share, weights_hash
from mixer_viz.survey.tables import survey_of
from mixer_viz.training.processes import Processes, join_processes

STOPPED = 130
_STATES = "state"  # folder below --out; gone once the survey is written
_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a survey; the exit status: 0, 1 for a mistake told in one sentence, 130 when stopped."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr, force=True)
    try:
        with join_processes(given.device) as processes:
            _survey(given, processes)
    except (SurveyError, ImageError, CheckpointError, ValueError) as exc:
        _log.error("error: %s", exc)
        return 1
    except OSError as exc:
        _log.error("error: %s", exc.strerror or exc)
        return 1
    except AnalysisCancelled:
        _log.info("stopped; the same command with --resume goes on from here")
        return STOPPED
    return 0


def _survey(given: argparse.Namespace, processes: Processes) -> None:
    model = load_model(given.model, device=str(processes.device))
    pictures = find_pictures(Path(given.data), model.config)
    out = Path(given.out)
    if (out / JSON_NAME).is_file() and not given.resume:
        raise SurveyError(f"There is a survey in {given.out!r} already; choose another folder for --out.")
    share = _share(given, processes, model, pictures)
    (out / _STATES).mkdir(parents=True, exist_ok=True)
    if processes.is_main:
        known = int((pictures.labels >= 0).sum())
        _log.info("%d pictures, %d of them of a class of %s", len(pictures.names), known, given.model)
    began = time.monotonic()
    found = run_share(
        model,
        pictures,
        share,
        out / _STATES / f"share-{share.rank}-of-{share.world_size}.npz",
        resume=given.resume,
        progress=_Progress(processes.is_main),
        cancelled=_stops_on_signals(),
    )
    shares = processes.gather(found)
    if not processes.is_main:
        return
    state, content = merge_shares(shares)
    survey = survey_of(model, share, pictures, state, content)
    write_survey(survey, out, given.format)
    for path in (out / _STATES).iterdir():
        path.unlink()
    (out / _STATES).rmdir()
    right = "" if survey.accuracy is None else f", {100 * survey.accuracy:.2f} % right"
    _log.info("%d pictures in %.0f s%s; written to %s", survey.images, time.monotonic() - began, right, given.out)


def _share(given: argparse.Namespace, processes: Processes, model: MlpMixer, pictures: Pictures) -> Share:
    names = list(methods_for(model.config))
    methods = tuple(name for name in given.methods.split(",") if name)
    if unknown := [name for name in methods if name not in names]:
        raise SurveyError(f"There is no attribution method {unknown[0]!r}; use {', '.join(names)}.")
    if given.closer < 0 or given.chunk < 0:
        raise SurveyError("--closer and --chunk must not be negative.")
    return Share(
        rank=processes.rank,
        world_size=processes.world_size,
        chunk=given.chunk or chunk_for(model.config, model.stem.weight.device, with_gradient=False),
        workers=given.workers,
        save_seconds=given.save_seconds,
        model=given.model,
        weights=weights_hash(model),
        closer=CloserPlan.of(model.config, pictures.sample(given.closer), methods),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mixer_viz.survey", description=__doc__)
    parser.add_argument("--data", required=True, help="folder of pictures; the folder of each is its class")
    parser.add_argument("--model", default="mixer_cifar10", help="bundled name, timm's name, or a file")
    parser.add_argument("--out", required=True, help="folder for the tables and survey.json")
    parser.add_argument("--resume", action="store_true", help="go on exactly where it stopped")
    parser.add_argument("--closer", type=int, default=32, help="pictures for derivatives, fields and attributions")
    parser.add_argument("--methods", default="integrated_gradients,patch_ablation", help="attributions, with commas")
    parser.add_argument("--format", choices=KINDS, default=KINDS[0], help="of the tables")
    parser.add_argument("--chunk", type=int, default=0, help="pictures at once; 0 asks the memory")
    parser.add_argument("--workers", type=int, default=min(8, os.cpu_count() or 1), help="threads that read pictures")
    parser.add_argument("--save-seconds", type=float, default=60.0, help="how often the state is saved")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps")
    return parser


class _Stops:
    """Whether a signal asked to stop."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked

    def note(self, number: int, frame: FrameType | None) -> None:
        """A signal's handler."""
        self.asked = True


def _stops_on_signals() -> _Stops:
    stops = _Stops()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stops.note)
    return stops


class _Progress:
    """Tells the log every ten seconds."""

    def __init__(self, is_main: bool) -> None:
        self._is_main, self._told = is_main, time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if self._is_main and time.monotonic() - self._told > 10:
            self._told = time.monotonic()
            _log.info("%d of %d", done, total)
