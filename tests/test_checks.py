"""What runs before a commit is what `.ci/run` runs, with the pinned tools; and the lock file has these pins."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
FOLDER = ".venv/bin/"


def pins_of(file: str) -> dict[str, set[str]]:
    """Versions by name; a lock file may have one for each Python."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
        if line and line[0] not in "#-":
            requirement = Requirement(line)
            (pin,) = requirement.specifier
            assert pin.operator == "==", line
            found.setdefault(canonicalize_name(requirement.name), set()).add(pin.version)
    return found


def hooks() -> list[dict[str, Any]]:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert repository["repo"] == "local"  # another one would bring versions of its own
    return list(repository["hooks"])


def test_every_hook_is_a_pinned_tool_of_the_environment() -> None:
    pinned = pins_of("requirements-dev.txt")
    commands = {
        Path(file).name
        for name in pinned
        for file in metadata.distribution(name).files or []
        if Path(file).parent.name in {"bin", "Scripts"}
    }
    for hook in hooks():
        assert hook["language"] == "system", hook["id"]
        tool = hook["entry"].split()[0]
        assert tool.removeprefix(FOLDER) in commands, tool
        assert tool.startswith(FOLDER), tool


def test_the_checks_run_every_hook() -> None:
    lines = [line.strip() for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()]
    (call,) = [line for line in lines if f"{FOLDER}pre-commit run --all-files" in line]
    skipped = re.match(r"SKIP=(\S+) ", call)
    assert skipped is not None
    by_itself = {hook["id"]: hook["entry"] for hook in hooks() if hook["id"] in skipped[1].split(",")}
    assert by_itself.keys() == set(skipped[1].split(","))
    assert set(by_itself.values()) <= set(lines)


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_the_lock_file_has_every_pin(file: str) -> None:
    locked, pinned = pins_of("requirements.lock"), pins_of(file)
    assert pinned
    assert {name: locked.get(name) for name in pinned} == pinned


def test_the_lock_file_names_no_place_to_install_from() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*-", text, re.MULTILINE)
