"""What `pip install .` puts on a computer, and that it works there without the checkout."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement

import mixer_viz
from mixer_viz.checkpoints.bundled import bundled_models
from mixer_viz.paths import app_folder
from mixer_viz.training.cli import build_parser

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PARTS = ("pages", "assets", ".streamlit")  # the app's folders; app.py and the package come to it
SETTINGS = """
import json, sys
import streamlit as st
from streamlit.web import bootstrap
from mixer_viz.ui.command import main

def tell(path, *_):
    print(json.dumps([path, {name: st.get_option(name) for name in json.loads(sys.argv[1])}]))

bootstrap.run = tell  # in the place of the server
main(["--server.port", "8600"])
"""


def build(builder: type, root: Path, folder: Path, version: str = "standard") -> Path:
    return Path(next(iter(builder(str(root)).build(directory=str(folder), versions=[version]))))


def unpack(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(WheelBuilder, ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has the package as site-packages has it."""
    return unpack(wheel, tmp_path_factory.mktemp("installed"))


def run_elsewhere(path: Path, folder: Path, *arguments: str) -> str:
    """What Python prints that finds the package in `path`, started in `folder` with nothing of this computer's user."""
    environment = {**os.environ, "PYTHONPATH": str(path), "HOME": str(folder), "USERPROFILE": str(folder)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def files_below(folder: Path) -> set[str]:
    """Relative to the top of the repository; without what Python writes beside its sources."""
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in found}


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as file:
        return set(file.namelist())


def metadata_of(wheel: Path) -> Any:
    (name,) = [name for name in names_in(wheel) if name.endswith(".dist-info/METADATA")]
    with zipfile.ZipFile(wheel) as file:
        return Parser().parsestr(file.read(name).decode())


def test_the_wheel_holds_the_package_and_the_whole_app(wheel: Path) -> None:
    app = {"app.py"}.union(*(files_below(ROOT / part) for part in PARTS))
    assert {"app.py", "pages/overview.py", "assets/icon.png", ".streamlit/config.toml"} <= app
    package = files_below(ROOT / "mixer_viz")
    assert any(name.endswith(".js") for name in package)
    got = {name for name in names_in(wheel) if ".dist-info/" not in name}
    assert got == package | {f"mixer_viz/explorer/{name}" for name in app}


def test_the_source_archive_is_enough_for_the_wheel(wheel: Path, tmp_path: Path) -> None:
    archive = build(SdistBuilder, ROOT, tmp_path)
    with tarfile.open(archive) as file:
        file.extractall(tmp_path, filter="data")
    (top,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert names_in(build(WheelBuilder, top, tmp_path / "wheel")) == names_in(wheel)
    for part in (".ci", "tests", "benchmarks", "deploy", "docs"):
        assert files_below(ROOT / part) == {
            path.relative_to(top).as_posix() for path in (top / part).rglob("*") if path.is_file()
        }
    folders = {"mixer_viz", "tests", "benchmarks", "deploy", "docs", ".ci", *PARTS}
    files = {path.name for path in top.iterdir()} - folders
    texts = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "CITATION.cff", "LICENSE", "README.zh.md"}
    tools = {".pre-commit-config.yaml", "mkdocs.yml", "requirements.txt", "requirements-dev.txt", "requirements.lock"}
    tools |= {"Dockerfile", ".dockerignore", "compose.yaml", "babel.cfg"}
    assert files == texts | tools | {"app.py", "pyproject.toml", "PKG-INFO", ".gitignore"}  # no runs, no data, no .venv


def test_the_app_is_found_in_a_checkout() -> None:
    assert app_folder() == ROOT


def test_the_app_is_found_in_an_installed_wheel(installed: Path, tmp_path: Path) -> None:
    code = (
        "import mixer_viz as mv; from mixer_viz.paths import app_folder; print(app_folder());"
        "print(*[info.name for info in mv.available_models() if info.on_disk]);"
        "print(mv.load_model('mixer_cifar10', 'cpu').config.num_blocks);"
        "from mixer_viz.checkpoints.metaformer_runs import metaformer_runs; print(len(metaformer_runs()) > 0)"
    )
    told = run_elsewhere(installed, tmp_path, "-c", code).splitlines()
    names = " ".join(model.name for model in bundled_models())
    assert told == [str(installed / "mixer_viz" / "explorer"), names, "8", "True"]


def test_an_editable_install_uses_the_checkout(tmp_path: Path) -> None:
    packages = unpack(build(WheelBuilder, ROOT, tmp_path, "editable"), tmp_path / "packages")
    assert (packages / "_mixer_viz.pth").read_text(encoding="utf-8").strip() == str(ROOT)
    code = (
        f"import site; site.addsitedir({str(packages)!r}); from mixer_viz.paths import app_folder; print(app_folder())"
    )
    assert run_elsewhere(tmp_path, tmp_path, "-c", code).strip() == str(ROOT)


@pytest.mark.parametrize("layout", ["checkout", "installed"])
def test_the_apps_settings_hold_and_options_pass_through(layout: str, installed: Path, tmp_path: Path) -> None:
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "config.toml").write_text('[client]\nshowErrorDetails = "full"\n[server]\nport = 1\n')
    asked = flat(tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")))
    assert asked["client.showErrorDetails"] == "none"
    package = ROOT if layout == "checkout" else installed
    asked["server.port"] = 8600
    path, got = json.loads(run_elsewhere(package, tmp_path, "-c", SETTINGS, json.dumps(list(asked))))
    assert got == asked
    assert Path(path) == (ROOT if layout == "checkout" else installed / "mixer_viz" / "explorer") / "app.py"


def flat(table: dict[str, Any], before: str = "") -> dict[str, Any]:
    """A table of tables as Streamlit names its options: `theme.light.textColor`."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        found |= flat(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
    return found


def test_python_m_tells_the_version(installed: Path, tmp_path: Path) -> None:
    assert run_elsewhere(installed, tmp_path, "-m", "mixer_viz", "--version") == f"Mixer explorer {version()}\n"


def version() -> str:
    return mixer_viz.__version__


def test_the_version_is_in_one_place(wheel: Path) -> None:
    assert metadata_of(wheel)["Version"] == version()
    assert "version" not in PROJECT
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {version()}\n" in citation
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == version()


def test_the_version_is_told_without_torch() -> None:
    code = "import sys, mixer_viz; mixer_viz.__version__; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=60).returncode == 0


def test_licence_and_readme_are_in_the_metadata(wheel: Path) -> None:
    told = metadata_of(wheel)
    assert (told["License-Expression"], told["Requires-Python"]) == ("MIT", ">=3.11")
    assert told.get_payload().strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip()
    assert f"mixer_viz-{version()}.dist-info/licenses/LICENSE" in names_in(wheel)


@pytest.mark.parametrize(
    ("file", "bounds"),
    [
        ("requirements.txt", PROJECT["dependencies"]),
        ("requirements-dev.txt", PROJECT["optional-dependencies"]["dev"]),
    ],
)
def test_the_bounds_hold_what_is_tested(file: str, bounds: list[str]) -> None:
    lines = [line for line in (ROOT / file).read_text(encoding="utf-8").splitlines() if line and line[0] not in "#-"]
    pins = dict(line.split("==") for line in lines)
    requirements = {requirement.name: requirement.specifier for requirement in map(Requirement, bounds)}
    assert requirements.keys() == pins.keys()
    for name, specifier in requirements.items():
        assert pins[name] in specifier
        assert {part.operator for part in specifier} == {">=", "<"}, f"{name} needs a lower and an upper bound"


def test_every_command_leads_to_a_function() -> None:
    assert PROJECT["scripts"].keys() == {"mixer-explorer", "mixer-survey", "mixer-train"}
    for target in PROJECT["scripts"].values():
        module, _, function = target.partition(":")
        assert callable(getattr(importlib.import_module(module), function))


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("/somewhere/bin/mixer-train", "mixer-train"),
        ("mixer-train.exe", "mixer-train"),
        ("/somewhere/mixer_viz/training/__main__.py", "python -m mixer_viz.training"),
    ],
)
def test_the_training_is_called_as_it_was_typed(typed: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [typed])
    assert build_parser().prog == told
