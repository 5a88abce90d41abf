"""The benchmark runner, on benchmarks made on the spot; the real ones take minutes and are run by hand."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Three benchmarks and a helper; what the runner imports and puts on the path is taken back afterwards."""
    sources = {
        "made_good": "NAME = 'good'\ndef measure():\n    return {'speed': {'median': 2.0, 'min': 1.0, 'max': 3.0,"
        " 'unit': 'ms', 'at_most': 1.5, 'met': False}, 'size': {'value': 7, 'unit': 'MiB'}, 'note': 'text'}",
        "made_broken": "NAME = 'broken'\ndef measure():\n    raise RuntimeError('no weights')",
        "made_unimportable": "import a_library_that_is_not_here",
        "made_helper": "def measure():\n    raise AssertionError('a module without NAME is no benchmark')",
    }
    for name, text in sources.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in sources:
        sys.modules.pop(name, None)


def test_one_failing_benchmark_costs_no_other_result(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    assert load("run").main(["--json", str(out)], folder) == 1
    report = json.loads(out.read_text(encoding="utf-8"))
    assert set(report["benchmarks"]) == {"good", "broken", "made_unimportable"}
    assert report["benchmarks"]["good"]["size"] == {"value": 7, "unit": "MiB"}
    assert report["benchmarks"]["broken"] == {"error": "RuntimeError: no weights"}
    assert "a_library_that_is_not_here" in report["benchmarks"]["made_unimportable"]["error"]
    assert {"torch", "threads", "cpu", "device"} <= set(report["machine"])
    printed = capsys.readouterr().out
    assert "2 ms  (1 to 3)  aim <= 1.5: MISSED" in printed
    assert "7 MiB" in printed


def test_only_the_named_ones_run(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert load("run").main(["--json", str(out), "--only", "good"], folder) == 0
    assert set(json.loads(out.read_text(encoding="utf-8"))["benchmarks"]) == {"good"}


def test_an_unknown_name_lists_the_known_ones(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        load("run").main(["--json", "out.json", "--only", "fast"], folder)
    message = capsys.readouterr().err
    assert [name for name in ("broken", "good", "made_unimportable") if name not in message] == []


def test_a_missing_folder_is_said_before_anything_runs(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load("run").main(["--json", str(tmp_path / "none" / "out.json")], folder) == 1
    captured = capsys.readouterr()
    assert "There is no folder" in captured.err
    assert "good" not in captured.out


@pytest.mark.parametrize("name", ["model_speed", "token_mixing"])
def test_the_real_benchmarks_are_found(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert load("run").find_benchmarks(FOLDER)[name].__name__ == "measure"


def test_rivals_take_turns_and_ratios_are_taken_round_by_round() -> None:
    timing = load("timing")
    calls: list[str] = []
    rivals = {name: lambda name=name: calls.append(name) for name in ("a", "b", "c")}
    seconds = timing.alternate(rivals, rounds=3, warm_up=1)
    assert {name: len(values) for name, values in seconds.items()} == {"a": 3, "b": 3, "c": 3}
    assert ["".join(calls[at : at + 3]) for at in range(0, 12, 3)] == ["cab", "abc", "bca", "cab"]
    assert timing.ratios([2.0, 9.0], [1.0, 3.0]) == [2.0, 3.0]


def test_summary_states_median_spread_and_aim() -> None:
    summary = load("timing").summary
    assert summary([3.0, 1.0, 1.5], "ms") == {"median": 1.5, "min": 1.0, "max": 3.0, "rounds": 3, "unit": "ms"}
    assert summary([1.0, 1.2, 9.0], "x", at_most=1.2)["met"] is True
    assert summary([1.0, 1.3, 1.3], "x", at_most=1.2)["met"] is False
