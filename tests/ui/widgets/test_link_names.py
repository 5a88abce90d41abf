"""Every choice has a name of its own in links, on whatever page it is."""

from __future__ import annotations

import ast
import collections
from pathlib import Path

ROOT = Path(__file__).parents[3]
FOLDERS = ("mixer_viz/ui", "pages")
# Which argument of these is the name.
PLACES = {
    "option_buttons": 2,
    "pick_one": 2,
    "pick_many": 2,
    "pick_number": 4,
    "pick_fraction": 4,
    "pick_on_slider": 4,
    "switch": 1,
}
# One choice that several views of one page share, or a list whose names are made elsewhere.
SHARED = {"own_scales": {"mixer_viz/ui/activations/layers.py", "mixer_viz/ui/activations/channels.py"}}


def bound_names() -> dict[str, set[str]]:
    """Name in the link -> the files in which a widget has it, as far as it is written out there."""
    found: dict[str, set[str]] = collections.defaultdict(set)
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and (name := bound_name(node)):
                found[name].add(path.relative_to(ROOT).as_posix())
    return found


def bound_name(call: ast.Call) -> str | None:
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    key: ast.expr | None = None
    if isinstance(call.func, ast.Name) and call.func.id in PLACES:
        place = PLACES[call.func.id]
        key = call.args[place] if len(call.args) > place else named.get("key")
    elif "bind" in named:
        key = named.get("key")
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None


def test_no_two_pages_share_a_name() -> None:
    found = bound_names()
    assert {"scale", "map_scale", "attribution_seed", "shuffle_seed", "image", "model", "learn_view"} <= set(found)
    assert {name: files for name, files in found.items() if len(files) > 1} == SHARED
