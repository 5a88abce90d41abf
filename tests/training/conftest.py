from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.training.made_runs import write_tree

MakeTree = Callable[..., Path]


@pytest.fixture
def make_tree(tmp_path: Path) -> MakeTree:
    """`write_tree` into this test's folder: `make_tree(test="val")`."""
    return functools.partial(write_tree, tmp_path / "data")
