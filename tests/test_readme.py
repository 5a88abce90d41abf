"""What the README tells people to type is what the checks run."""

from __future__ import annotations

import re
from pathlib import Path

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
