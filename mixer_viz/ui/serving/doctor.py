"""`mixer-explorer doctor`: what this computer has, what the settings say, and how fast it is."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixer_viz import __version__
from mixer_viz.ui.serving.settings import PREFIX, VARIABLES, SettingError, Settings, read_settings

if TYPE_CHECKING:
    import torch

    from mixer_viz.model import MlpMixer

PACKAGES = ("torch", "torchvision", "streamlit", "plotly", "matplotlib", "captum", "timm", "huggingface_hub", "numpy")
LEAST_FREE = 2**30  # bytes, of the temporary folder: the largest upload lies there while it is read
ROUNDS = 5
TURN_SECONDS = 0.2


@dataclasses.dataclass(frozen=True)
class Report:
    """What was found; every value can be written as JSON."""

    versions: dict[str, str]
    computer: dict[str, Any]
    settings: dict[str, str]  # those that are not the defaults
    models: dict[str, str]  # name -> where it is
    milliseconds: dict[str, float]  # medians
    problems: tuple[str, ...]  # a sentence each


def main(arguments: Sequence[str], name: str) -> int:
    """Print the report; exit status 1 where there are problems."""
    parser = argparse.ArgumentParser(prog=name, description="Examine this computer and its settings for the explorer.")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--fast", action="store_true", help="without measuring speeds, which takes some seconds")
    options = parser.parse_args(arguments)
    report = examine(speeds=not options.fast)
    text = json.dumps(dataclasses.asdict(report), indent=2) if options.json else "\n".join(in_lines(report))
    sys.stdout.write(text + "\n")
    return int(bool(report.problems))


def examine(*, speeds: bool = True) -> Report:
    """Look at everything; what cannot be used is a sentence in `problems` and no error."""
    problems: list[str] = []
    chosen: Settings | None = None
    try:
        chosen = read_settings(os.environ)
    except SettingError as exc:
        problems.append(str(exc))
    computer, models, milliseconds = _computer(problems), dict[str, str](), dict[str, float]()
    try:
        computer |= _device()
        models = _models(chosen, problems)
        milliseconds = _speeds() if speeds else {}
    except Exception as exc:  # a pair of torch and torchvision that do not fit fails anywhere
        problems.append(f"The libraries cannot be used: {type(exc).__name__}: {exc}")
    given = {variable.name: os.environ.get(PREFIX + variable.name, "") for variable in VARIABLES}
    return Report(
        versions={"mixer-explorer": __version__, "python": platform.python_version(), **_versions(problems)},
        computer=computer,
        settings={PREFIX + key: value for key, value in given.items() if value},
        models=models,
        milliseconds=milliseconds,
        problems=tuple(problems),
    )


def in_lines(report: Report) -> list[str]:
    """The report for people."""
    lines = [f"Mixer explorer {report.versions['mixer-explorer']}, Python {report.versions['python']}"]
    lines.append(", ".join(f"{name} {version}" for name, version in list(report.versions.items())[2:]))
    lines += [f"{key}: {value}" for key, value in report.computer.items()]
    lines += [f"model {name}: {where}" for name, where in report.models.items()]
    lines += [f"{key}={value}" for key, value in report.settings.items()] or ["settings: the defaults"]
    lines += [f"{what}: {value:.1f} ms" for what, value in report.milliseconds.items()]
    lines += [f"PROBLEM: {sentence}" for sentence in report.problems] or ["no problems found"]
    return lines


def _versions(problems: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            problems.append(f"The package {name} is not installed.")
    return found


def _computer(problems: list[str]) -> dict[str, Any]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    facts: dict[str, Any] = {"system": f"{platform.system()} {platform.machine()}", "cores": cores}
    if memory := memory_bytes():
        facts["memory"] = f"{memory / 2**30:.1f} GiB"
    try:
        folder = tempfile.gettempdir()
        free = shutil.disk_usage(folder).free
        facts["temporary folder"] = f"{free / 2**30:.1f} GiB free"
        if free < LEAST_FREE:
            problems.append(f"The temporary folder has {free / 2**20:.0f} MiB free; the largest uploads need 1 GiB.")
    except OSError as exc:
        problems.append(f"There is no temporary folder that can be written to ({exc.strerror}).")
    return facts


def memory_bytes() -> int | None:
    """What this process may use: the container's bound, else the computer's memory; None where nobody tells."""
    bounds: list[int] = []
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(file).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdecimal():
            bounds.append(int(text))
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        bounds.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(bounds, default=None)


def _device() -> dict[str, Any]:
    import torch

    from mixer_viz.analysis.comparison.timing import device_name
    from mixer_viz.checkpoints import choose_device

    device = choose_device("auto")
    facts = {"device": f"{device.type}: {device_name(device)}", "threads": torch.get_num_threads()}
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        facts["GPU memory"] = f"{free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
    return facts


def _models(chosen: Settings | None, problems: list[str]) -> dict[str, str]:
    from mixer_viz.checkpoints import CheckpointError, available_models, load_model

    infos = available_models()
    try:
        offered = {info.name for info in (chosen.offered(infos) if chosen else infos)}
    except SettingError as exc:
        offered = set()
        problems.append(str(exc))
    found: dict[str, str] = {}
    for info in infos:
        where = info.source if info.source == "bundled" else "on disk" if info.on_disk else "not on disk"
        found[info.name] = where if info.name in offered else f"{where}, not offered"
        if info.source == "bundled":
            try:
                load_model(info.name, "cpu")
            except (CheckpointError, OSError) as exc:
                problems.append(f"{info.name} cannot be loaded: {exc}")
    return found


def _speeds() -> dict[str, float]:
    """Milliseconds of one picture, medians: the bundled model, one of B/16's size, and an attribution."""
    import numpy as np
    import torch

    from mixer_viz.analysis.attribution.run import attribute
    from mixer_viz.analysis.comparison.timing import conditions_of, race
    from mixer_viz.checkpoints import available_models, choose_device, load_model
    from mixer_viz.model import PRESETS, MlpMixer

    device = choose_device("auto")
    bundled = next(info.name for info in available_models() if info.source == "bundled")
    small, large = load_model(bundled), MlpMixer(PRESETS["B/16"]).eval().to(device)
    ones, pixels = _picture(small, device), _picture(large, device)

    def forward(model: MlpMixer, batch: torch.Tensor) -> object:
        with torch.inference_mode():
            return model(batch)

    rivals = {
        f"{bundled}, forward pass": lambda: forward(small, ones),
        f"{bundled}, integrated gradients (50 steps)": lambda: attribute(small, ones, 0, method="integrated_gradients"),
        "Mixer-B/16, forward pass": lambda: forward(large, pixels),
    }
    timings = race(rivals, device, conditions_of(device, 1, "float32", ROUNDS, TURN_SECONDS))
    return {name: 1e3 * float(np.median(timing.seconds)) for name, timing in timings.items()}


def _picture(model: MlpMixer, device: torch.device) -> torch.Tensor:
    import torch

    return torch.zeros(1, 3, *model.config.image_shape, device=device)
