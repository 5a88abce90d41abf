"""What the README tells people to type is what the checks run."""

from __future__ import annotations

import re
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixer_viz.checkpoints.metaformer_runs import metaformer_runs
from mixer_viz.images.samples import load_sample
from mixer_viz.model import TOKEN_MIXERS

ROOT = Path(__file__).parents[1]
TEST_COMMAND = re.compile(r"^\s*(python3 -m venv \S+ && .* -m pytest\b.*?)\s*$", re.MULTILINE)


def test_ci_runs_the_test_command_of_the_readme() -> None:
    readme = TEST_COMMAND.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    ci = TEST_COMMAND.findall((ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    assert len(readme) == 1
    assert ci == readme


def test_every_requirements_file_of_the_command_exists() -> None:
    command = TEST_COMMAND.findall((ROOT / ".ci" / "run").read_text(encoding="utf-8"))[0]
    files = re.findall(r"-r (\S+)", command)
    assert files == ["requirements-dev.txt"]
    assert "-r requirements.txt" in (ROOT / files[0]).read_text(encoding="utf-8").splitlines()
    assert (ROOT / "requirements.txt").exists()


def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    section = re.split(r"^## ", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    (text,) = [part for part in section if part.startswith("From Python")]
    code = "\n".join(line.removeprefix("    ") for line in text.splitlines() if line.startswith("    "))
    load_sample("cat").save(tmp_path / "photo.jpg")
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["logits"].shape == (1, 10)
    share = names["metaformer_jacobian"](names["network"], names["seen"], block=2).share
    assert share.shape == (64, 64)
    assert share.sum(axis=1) == pytest.approx(1)


def test_the_readme_has_the_accuracies_of_the_card() -> None:
    section = re.split(r"^## ", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    (text,) = [" ".join(part.split()) for part in section if part.startswith("The networks compared")]
    accuracies: dict[tuple[str, str], list[float]] = {}
    for run in metaformer_runs():
        accuracies.setdefault((run.token_mixer, run.permutation), []).append(run.accuracy)
    means = {key: statistics.mean(values) for key, values in accuracies.items()}
    for (name, order), values in accuracies.items():
        if order == "none":
            seeds = ", ".join(f"{value:.1f}" for value in values)
            assert f"{TOKEN_MIXERS[name].title} {means[name, order]:.1f} % ({seeds})" in text  # type: ignore[index]
        else:
            losses = [plain - other for plain, other in zip(accuracies[name, "none"], values, strict=True)]
            assert f"{np.mean(losses):.1f} points" in text  # as the page rounds it
