"""What the doctor finds, and what it says of settings that cannot be used."""

from __future__ import annotations

import json
import tempfile
from importlib import metadata
from typing import NoReturn

import pytest
import torch

from mixer_viz.ui.command import main
from mixer_viz.ui.serving import doctor
from mixer_viz.ui.serving.settings import PREFIX


def test_a_computer_in_order(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "ROUNDS", 1)
    monkeypatch.setattr(doctor, "TURN_SECONDS", 0.0)
    monkeypatch.setenv(f"{PREFIX}MODELS", "bundled")
    with pytest.raises(SystemExit) as end:
        main(["doctor", "--json"])
    assert end.value.code == 0
    report = json.loads(capsys.readouterr().out)
    assert report["problems"] == []
    assert report["versions"]["torch"] == metadata.version("torch")
    assert report["computer"]["device"].startswith(("cpu: ", "cuda: ", "mps: "))
    assert report["computer"]["threads"] == torch.get_num_threads()
    assert report["models"]["mixer_cifar10"] == "bundled"
    assert report["models"]["mixer_b16_224.goog_in21k_ft_in1k"].endswith("on disk, not offered")
    assert report["settings"] == {"MIXER_EXPLORER_MODELS": "bundled"}
    times = list(report["milliseconds"].values())
    assert len(times) == 3
    assert 0 < times[0] < times[1]


def test_problems_are_sentences_and_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"{PREFIX}MODELS", "mixer_cifar")

    def missing(name: str) -> NoReturn:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert doctor.main(["--fast"], "mixer-explorer doctor") == 1
    told = capsys.readouterr().out
    assert "PROBLEM: The package torchvision is not installed." in told
    assert "PROBLEM: MIXER_EXPLORER_MODELS names 'mixer_cifar'" in told
    assert "Traceback" not in told


def test_a_setting_that_cannot_be_read_leaves_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}UPLOAD_MIB", "many")
    report = doctor.examine(speeds=False)
    assert len(report.problems) == 1
    assert report.problems[0].startswith("MIXER_EXPLORER_UPLOAD_MIB is 'many'")
    assert report.models["mixer_cifar10"] == "bundled"
    assert doctor.in_lines(report)[-1].startswith("PROBLEM: ")


def test_no_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> NoReturn:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    assert any("no temporary folder" in sentence for sentence in doctor.examine(speeds=False).problems)
