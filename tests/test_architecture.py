"""Walks folders and imports of the package, the pages and the router; fails on an arrow that points the wrong way.

And on a folder under a name of its own: a page is one wing, with one name, on every floor. And on files and functions
that are too long. Every rule has faults planted here that it must find, and CONTRIBUTING says the same as the tables.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "mixer_viz"
FACADE = "the facade"  # `import mixer_viz as mv`: everything that is not a picture or a widget
LIBRARY = {"model", "checkpoints", "images", "analysis", "training", "survey"}
LANGUAGE = "language"  # what every sentence is made with
LESSONS = "lessons"  # read and checked without the app
CARDS = "training/cards"
ALL = {*LIBRARY, LANGUAGE, CARDS, LESSONS, "paths", "figures", "texts", "plot", "ui", "pages", "app", FACADE}

# Which parts of the project each part may import, itself aside.
ARROWS: dict[str, set[str]] = {
    "model": {LANGUAGE},
    "checkpoints": {LANGUAGE, "model", "paths"},
    "images": {LANGUAGE, "model", "paths"},
    "analysis": {LANGUAGE, "model", "images"},
    "training": {
        LANGUAGE,
        "model",
        "checkpoints",
        CARDS,
    },  # the comparison's command writes its card when all is trained
    CARDS: {LANGUAGE, "model", "checkpoints", "images", "analysis", "training"},
    "survey": {
        LANGUAGE,
        "model",
        "checkpoints",
        "images",
        "analysis",
        "training",
    },  # torchrun's processes, as in training
    "figures": {LANGUAGE, "paths"},  # where the fonts are
    "texts": {LANGUAGE, "model", "checkpoints", "images", "analysis", "survey"},
    "paths": set(),
    LANGUAGE: set(),
    "plot": {LANGUAGE, "model", "checkpoints", "images", "analysis", "survey", "figures"},
    LESSONS: {LANGUAGE, "model", "checkpoints", "images", "analysis", "paths"},
    FACADE: {LANGUAGE, *LIBRARY, "plot"},
    "ui": ALL,
    "pages": ALL,
    "app": ALL,
}
# Modules beside the folders that belong to one part, and folders inside of one that are a part of their own.
PART_OF = {"__main__": "app", "training.cards": CARDS}
CAPTUM_HOME = f"{PACKAGE}/analysis/attribution/"
# The sub-folders of each floor: one name for a page, or for a part of one, on all of them.
PAGE_WINGS = ("token_mixing", "activations", "attribution", "comparison")
WINGS = {*PAGE_WINGS, "replacement"}  # which the comparison's page shows
SUB_FOLDERS = {
    "analysis": WINGS,
    "figures": WINGS,
    "ui": {*WINGS, "learning", "lessons", "widgets", "compute", "sidebar", "serving", "teaching"},
}
PAGE_HAS = (
    *(f"{PACKAGE}/ui/{{wing}}/{name}.py" for name in ("results", "downloads")),
    *(f"tests/{floor}/{{wing}}/test_*.py" for floor in ("analysis", "app")),
)
MAX_MODULES = 16
FIGURES_MAY_USE = {"numpy", "plotly", "matplotlib", "PIL", *sys.stdlib_module_names}
# Lines of a file and of a function, whose docstring does not count.
MAX_LINES = {PACKAGE: (270, 45), "pages": (150, 30)}
MAX_PAGE_LINES, MAX_PAGE_FUNCTION_LINES = MAX_LINES["pages"]


def source_files(root: Path) -> list[Path]:
    folders = [path for name in (PACKAGE, "pages") for path in sorted((root / name).rglob("*.py"))]
    return folders + [path for path in [root / "app.py"] if path.exists()]


def part_of_module(name: str) -> str | None:
    """The part of the project that a dotted module name belongs to; None for foreign libraries."""
    first, *rest = name.split(".")
    if first in ("pages", "app"):
        return first
    if first != PACKAGE:
        return None
    if not rest:
        return FACADE
    return PART_OF.get(".".join(rest[:2])) or PART_OF.get(rest[0], rest[0])


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(tree: ast.Module, path: Path, root: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import, also inside functions, under TYPE_CHECKING, relative, or by a string."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            folder = path.parents[node.level - 1].relative_to(root).parts if node.level else ()
            base = ".".join([*folder, *([node.module] if node.module else [])])
            yield from ((node.lineno, name) for name in names_behind(base, [a.name for a in node.names], root))
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if function in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value


def names_behind(base: str, names: list[str], root: Path) -> Iterator[str]:
    """`from base import name` loads `base.name` where that is a module, else `base`."""
    for name in names:
        inside = root.joinpath(*base.split("."), name)
        foreign = base.split(".")[0] not in (PACKAGE, "pages")
        is_module = foreign or inside.is_dir() or inside.with_suffix(".py").exists()
        yield f"{base}.{name}" if is_module else base


def import_faults(path: Path, root: Path, tree: ast.Module) -> Iterator[str]:
    where, part = path.relative_to(root).as_posix(), part_of_module(module_name(path, root))
    if part not in ARROWS:
        yield f"{where}: no rule for the part {part!r}; name it in ARROWS"
        return
    for line, module in imported_modules(tree, path, root):
        top, target = module.split(".")[0], part_of_module(module)
        fault = f"{where}:{line} imports {module}: "
        if target is not None and target != part and target not in ARROWS[part]:
            yield fault + f"{part} must not know {target}"
        if top == "streamlit" and part not in ("ui", "pages", "app"):
            yield fault + "streamlit belongs to the router, the pages and mixer_viz/ui"
        if top == "captum" and not where.startswith(CAPTUM_HOME):
            yield fault + f"captum belongs to {CAPTUM_HOME}"
        if top == "pylab" or (module + ".").startswith(("matplotlib.pyplot.", "matplotlib.pylab.")):
            yield fault + "pyplot keeps figures in a global registry; build a matplotlib.figure.Figure"
        if part == "figures" and target is None and top not in FIGURES_MAY_USE:
            yield fault + "figures draw with numpy, plotly, matplotlib and PIL alone"
        if part == "pages" and top in ("torch", "numpy"):
            yield fault + "pages do not compute"


def length_faults(path: Path, root: Path, tree: ast.Module, text: str) -> Iterator[str]:
    where, lines = path.relative_to(root).as_posix(), len(text.splitlines())
    most, most_of_function = MAX_LINES[where.split("/")[0]]
    if lines > most:
        yield f"{where}: {lines} lines, a file of {where.split('/')[0]} has at most {most}"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1 - docstring_lines(node)
            if length > most_of_function:
                yield f"{where}:{node.lineno} {node.name} has {length} lines, at most {most_of_function}"


def docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    return (first.end_lineno or first.lineno) - first.lineno + 1 if ast.get_docstring(node) is not None else 0


def modules_in(folder: Path) -> list[Path]:
    """What one has to look through in a folder: its files but for `__init__` and `__main__`."""
    return [path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("__")]


def folder_faults(root: Path) -> Iterator[str]:
    folders = sorted({path.parent for path in (root / PACKAGE).rglob("*.py")})
    for folder in folders:
        where, count = folder.relative_to(root).as_posix(), len(modules_in(folder))
        if count > MAX_MODULES:
            yield f"{where}: {count} modules, a folder has at most {MAX_MODULES}"
        floor = folder.parent.name
        if folder.parent.parent == root / PACKAGE and folder.name not in SUB_FOLDERS.get(floor, {folder.name}):
            yield f"{where}: no such wing on the floor {floor!r}; one of {', '.join(sorted(SUB_FOLDERS[floor]))}"
    for wing in PAGE_WINGS:
        if root / PACKAGE / "analysis" / wing in folders:
            for other in PAGE_HAS:
                if not any(root.glob(other.format(wing=wing))):
                    yield f"{PACKAGE}/analysis/{wing}: the page has no {other.format(wing=wing)}"


def faults(root: Path) -> list[str]:
    found = list(folder_faults(root))
    for path in source_files(root):
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text, str(path))
        found += import_faults(path, root, tree)
        if path.name != "app.py":
            found += length_faults(path, root, tree, text)
    return found


def test_every_import_points_the_right_way() -> None:
    walked = {path.relative_to(ROOT).as_posix() for path in source_files(ROOT)}
    assert {"mixer_viz/__init__.py", "mixer_viz/model/mixer.py", "mixer_viz/training/__main__.py"} <= walked
    assert {f"mixer_viz/{floor}/{wing}/__init__.py" for floor in SUB_FOLDERS for wing in PAGE_WINGS} <= walked
    assert faults(ROOT) == []


def plant(root: Path, path: str, text: str) -> None:
    """A small project around one file, so that relative and `from mixer_viz import x` imports resolve."""
    parts = [f"{PACKAGE}/{part}" for part in (*LIBRARY, "figures", "texts", "plot", "ui")]
    files = [other.format(wing=wing).replace("*", "page") for other in PAGE_HAS for wing in PAGE_WINGS]
    for file in (*(f"{folder}/__init__.py" for folder in (PACKAGE, *parts)), *files):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


LONG_FUNCTION = "def draw():\n" + "    x = 1\n" * MAX_PAGE_FUNCTION_LINES


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("mixer_viz/model/a.py", "from mixer_viz.checkpoints import load_model", "model must not know checkpoints"),
        ("mixer_viz/model/a.py", "import mixer_viz", "model must not know the facade"),
        ("mixer_viz/checkpoints/a.py", "from mixer_viz import images", "checkpoints must not know images"),
        ("mixer_viz/checkpoints/a.py", "from mixer_viz import load_model", "checkpoints must not know the facade"),
        ("mixer_viz/images/a.py", "from mixer_viz.analysis import patches", "images must not know analysis"),
        ("mixer_viz/images/modes.py", "import mixer_viz.training.loop", "images must not know training"),
        ("mixer_viz/analysis/a.py", "from ..figures import theme", "analysis must not know figures"),
        ("mixer_viz/analysis/activations/a.py", "from ... import ui", "analysis must not know ui"),
        ("mixer_viz/training/a.py", "import mixer_viz.analysis.patches as p", "training must not know analysis"),
        ("mixer_viz/training/a.py", "from mixer_viz import images", "training must not know images"),
        ("mixer_viz/training/cards/a.py", "from mixer_viz import figures", "training/cards must not know figures"),
        ("mixer_viz/training/cards/a.py", "from mixer_viz.texts import a", "training/cards must not know texts"),
        ("mixer_viz/__init__.py", "import mixer_viz.training.cards.mixer", "the facade must not know training/cards"),
        ("mixer_viz/figures/a.py", "def f():\n    from mixer_viz.model import trace", "figures must not know model"),
        ("mixer_viz/figures/a.py", "def f():\n    import torch", "figures draw with numpy"),
        ("mixer_viz/figures/a.py", "from skimage.transform import resize", "figures draw with numpy"),
        ("mixer_viz/figures/a.py", "from matplotlib import pyplot as plt", "pyplot keeps"),
        ("mixer_viz/ui/a.py", "import matplotlib.pyplot", "pyplot keeps"),
        ("app.py", "from pylab import plot", "pyplot keeps"),
        ("mixer_viz/__init__.py", "from mixer_viz.ui import state", "the facade must not know ui"),
        ("mixer_viz/training/a.py", "import pages.patches", "training must not know pages"),
        ("mixer_viz/analysis/a.py", "import importlib\nimportlib.import_module('streamlit')", "streamlit belongs"),
        ("mixer_viz/training/a.py", "if TYPE_CHECKING:\n    from streamlit import cache_data", "streamlit belongs"),
        ("mixer_viz/analysis/patches.py", "def f():\n    from captum.attr import Saliency", "captum belongs"),
        ("mixer_viz/ui/attribution/a.py", "import captum", "captum belongs"),
        ("mixer_viz/texts/a.py", "from mixer_viz.ui import choices", "texts must not know ui"),
        ("mixer_viz/texts/a.py", "from mixer_viz.figures.theme import ACCENT", "texts must not know figures"),
        ("mixer_viz/texts/a.py", "def f():\n    import streamlit as st", "streamlit belongs"),
        ("mixer_viz/analysis/a.py", "from mixer_viz.texts import overview", "analysis must not know texts"),
        ("mixer_viz/extras/a.py", "", "no rule for the part 'extras'"),
        ("mixer_viz/texts/deep/a.py", "from ...ui.widgets import errors", "texts must not know ui"),
        ("mixer_viz/model/a.py", "from mixer_viz.texts import overview", "model must not know texts"),
        ("mixer_viz/figures/activations/a.py", "from mixer_viz.texts import overview", "figures must not know texts"),
        ("mixer_viz/figures/comparison/a.py", "import torch", "figures draw with numpy"),
        ("mixer_viz/analysis/token_mixing/a.py", "import captum.attr", "captum belongs"),
        ("mixer_viz/__init__.py", "from mixer_viz.texts import overview", "the facade must not know texts"),
        ("mixer_viz/survey/a.py", "from mixer_viz.figures import theme", "survey must not know figures"),
        ("mixer_viz/plot/a.py", "from mixer_viz.ui import choices", "plot must not know ui"),
        ("mixer_viz/analysis/a.py", "from mixer_viz import plot", "analysis must not know plot"),
        ("pages/a.py", "import numpy as np", "pages do not compute"),
        ("pages/a.py", "def f():\n    import torch.nn", "pages do not compute"),
        ("pages/a.py", "x = 1\n" * (MAX_PAGE_LINES + 1), "151 lines, a file of pages has at most 150"),
        ("pages/a.py", LONG_FUNCTION, "draw has 31 lines, at most 30"),
        ("mixer_viz/model/a.py", "x = 1\n" * 271, "271 lines, a file of mixer_viz has at most 270"),
        ("mixer_viz/ui/a.py", "def draw():\n" + "    x = 1\n" * 45, "draw has 46 lines, at most 45"),
        ("mixer_viz/ui/a.py", "class A:\n    async def f():\n" + "        x = 1\n" * 45, "f has 46 lines, at most 45"),
    ],
)
def test_a_planted_fault_is_found(tmp_path: Path, path: str, text: str, words: str) -> None:
    plant(tmp_path, path, text)
    found = faults(tmp_path)
    assert len(found) == 1
    assert found[0].startswith(path)
    assert words in found[0]


@pytest.mark.parametrize("folder", ["analysis/mixing", "figures/compared", "ui/exports", "figures/widgets"])
def test_a_folder_under_a_name_of_its_own_is_found(tmp_path: Path, folder: str) -> None:
    plant(tmp_path, f"mixer_viz/{folder}/a.py", "")
    (found,) = faults(tmp_path)
    assert found.startswith(
        f"mixer_viz/{folder}: no such wing on the floor {folder.split('/')[0]!r}; one of activations"
    )


@pytest.mark.parametrize("missing", PAGE_HAS)
@pytest.mark.parametrize("wing", PAGE_WINGS)
def test_a_page_that_is_missing_on_a_floor_is_found(tmp_path: Path, wing: str, missing: str) -> None:
    plant(tmp_path, f"mixer_viz/analysis/{wing}/a.py", "")
    assert faults(tmp_path) == []
    (tmp_path / missing.format(wing=wing).replace("*", "page")).unlink()
    assert faults(tmp_path) == [f"mixer_viz/analysis/{wing}: the page has no {missing.format(wing=wing)}"]


@pytest.mark.parametrize(
    "folder", ["mixer_viz/training", "mixer_viz/figures/attribution", "mixer_viz/checkpoints/formats"]
)
def test_a_hall_without_walls_is_found(tmp_path: Path, folder: str) -> None:
    plant(tmp_path, f"{folder}/__main__.py", "")
    for number in range(MAX_MODULES):
        (tmp_path / folder / f"a{number}.py").touch()
    assert faults(tmp_path) == []
    (tmp_path / folder / "one_more.py").touch()
    assert faults(tmp_path) == [f"{folder}: {MAX_MODULES + 1} modules, a folder has at most {MAX_MODULES}"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("mixer_viz/model/a.py", "import torch\nfrom .config import MixerConfig\nfrom mixer_viz.model import trace"),
        ("mixer_viz/checkpoints/a.py", "from mixer_viz import model\nfrom ..model import MlpMixer"),
        (
            "mixer_viz/analysis/attribution/a.py",
            "from captum.attr import Saliency\nfrom mixer_viz import images, model",
        ),
        ("mixer_viz/analysis/attribution/a.py", "def f():\n    from captum.attr import Saliency"),
        ("mixer_viz/analysis/replacement/a.py", "import scipy\nfrom mixer_viz.images.labelled_folder import labelled"),
        (
            "mixer_viz/training/cards/a.py",
            "from mixer_viz import analysis, images\nfrom mixer_viz.training import loop",
        ),
        ("mixer_viz/training/a.py", "from mixer_viz.training.cards import metaformer"),
        ("mixer_viz/texts/a.py", "import numpy\nfrom mixer_viz import analysis, checkpoints, images, model"),
        ("mixer_viz/checkpoints/formats/a.py", "from mixer_viz.checkpoints.errors import CheckpointError"),
        ("mixer_viz/ui/widgets/a.py", "import streamlit\nfrom mixer_viz.texts import interventions"),
        ("mixer_viz/figures/a.py", "import io\nimport plotly.graph_objects\nfrom matplotlib.figure import Figure"),
        ("mixer_viz/__init__.py", "from mixer_viz import analysis, checkpoints, images, model"),
        ("mixer_viz/ui/a.py", "import streamlit\nimport torch\nimport mixer_viz as mv\nfrom mixer_viz import figures"),
        ("app.py", "import streamlit\nfrom mixer_viz.ui import state\nfrom pages import patches"),
        ("mixer_viz/model/a.py", 'def f():\n    """Says\n' + "    more\n" * 60 + '    """\n' + "    x = 1\n" * 44),
        ("pages/a.py", LONG_FUNCTION.replace("    x = 1\n", "", 1) + "x = 1\n" * (MAX_PAGE_LINES - 30)),
    ],
)
def test_what_the_rules_allow_passes(tmp_path: Path, path: str, text: str) -> None:
    plant(tmp_path, path, text)
    assert faults(tmp_path) == []


def stated_arrows() -> dict[str, set[str]]:
    """The table of imports in CONTRIBUTING: each part and the names in backticks beside it."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    _, _, section = text.partition("## Which part may import which")
    rows = [line.strip("|").split("|") for line in section.partition("Streamlit is for")[0].splitlines() if "`" in line]
    return {cells[0]: set(re.findall(r"`([^`]+)`", cells[1])) for cells in ((a.strip(), b) for a, b in rows)}


def test_contributing_says_the_same_as_the_arrows() -> None:
    stated = stated_arrows()
    for part in (
        "model",
        "checkpoints",
        "images",
        "analysis",
        "training",
        "training/cards",
        "figures",
        "texts",
        "survey",
        "plot",
        "lessons",
    ):
        names = {f"{name}.py" if name == "paths" else name for name in ARROWS[part]}
        assert stated[f"`{part}`"] == names, part
    assert stated["`paths.py`"] == set()
    for number in (MAX_MODULES, *MAX_LINES[PACKAGE], *MAX_LINES["pages"]):
        assert re.search(rf"\b{number}\b", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")), number
