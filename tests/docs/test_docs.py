"""The API reference builds without a broken link, and its notebooks run to their end."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest

import mixer_viz as mv

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def cells(notebook: Path, kind: str) -> list[str]:
    content = json.loads(notebook.read_text(encoding="utf-8"))
    assert content["nbformat"] == 4
    return ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == kind]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_to_its_end(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.mkdtemp", lambda: str(tmp_path))
    names: dict[str, object] = {"__name__": "notebook"}
    for source in cells(notebook, "code"):
        exec(compile(source, notebook.name, "exec"), names)
    assert cells(notebook, "markdown")[0].startswith("# ")


def test_there_are_three_notebooks_without_output() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["first_look", "own_checkpoint", "survey"]
    for notebook in NOTEBOOKS:
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            assert not cell.get("outputs")


def test_the_reference_builds_strictly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = pytest.importorskip("mkdocs.config")
    build = pytest.importorskip("mkdocs.commands.build")
    loaded = config.load_config(str(ROOT / "mkdocs.yml"), site_dir=str(tmp_path), strict=True)
    with caplog.at_level(logging.WARNING, logger="mkdocs"):
        build.build(loaded)
    assert [record.getMessage() for record in caplog.records if record.name.startswith("mkdocs")] == []
    written = (tmp_path / "api" / "preferred.html").read_text(encoding="utf-8")
    assert "mixer_viz.analysis.token_mixing.maximise.maximise" in written
    assert (tmp_path / "notebooks" / "survey.ipynb").is_file()


def test_everything_that_the_package_offers_is_in_the_reference() -> None:
    named = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "api").glob("*.md"))
    modules = set(re.findall(r"^::: (\S+)", named, re.MULTILINE))
    missing = []
    for name in set(mv.__all__) - {"plot", "PRESETS", "AnalysisCancelled", "CheckpointError", "ImageError"}:
        if getattr(mv, name).__module__ not in modules:
            missing.append(f"{name} of {getattr(mv, name).__module__}")
    assert missing == []
