"""Prints how much of each folder the tests have run, from `.coverage`; .ci/run calls it after them.

Lines that run in the browser tests' server and in the training's own processes are not counted.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from coverage import Coverage

ROOT = Path(__file__).resolve().parents[1]
FLOORS = {"analysis", "figures", "ui"}  # whose sub-folders get a line each


def folder_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parent.parts
    return "/".join(parts[: 3 if len(parts) > 1 and parts[1] in FLOORS else 2]) or "."


def main() -> None:
    measured = Coverage(config_file=str(ROOT / "pyproject.toml"))
    measured.load()
    lines: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    for name in measured.get_data().measured_files():
        _, statements, _, not_run, _ = measured.analysis2(name)
        for folder in (folder_of(Path(name)), "total"):
            lines[folder] += len(statements)
            missing[folder] += len(not_run)
    for folder in sorted(lines, key=lambda folder: (folder == "total", folder)):
        count = lines[folder]
        if count:
            print(f"covered: {folder:34} {100 * (1 - missing[folder] / count):6.1f} % of {count:5} lines")


if __name__ == "__main__":
    main()
