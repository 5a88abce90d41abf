"""What stands for the values of a pickle while its opcodes are walked through, before any is built.

`depth` says how deep tuples lie within one another, `leaves` how many values hashing one would visit.
"""

from __future__ import annotations

import dataclasses
from typing import Any


class Atom:
    """A plain value; what it is matters for texts and whole numbers only."""

    __slots__ = ("value",)
    depth, leaves = 0, 1

    def __init__(self, value: object = None) -> None:
        self.value = value


class Name:
    """A class or function, not yet called."""

    __slots__ = ("full",)
    depth, leaves = 0, 1

    def __init__(self, full: str) -> None:
        self.full = full


class Made:
    """What a call returned."""

    __slots__ = ("by",)
    depth, leaves = 0, 1

    def __init__(self, by: str) -> None:
        self.by = by


class Tuple:
    """Items in a row; how deep tuples lie within it, and how many items there are at the bottom."""

    __slots__ = ("depth", "items", "leaves")

    def __init__(self, items: tuple[Any, ...]) -> None:
        self.items = items
        self.depth = 1 + max((item.depth for item in items), default=0)
        self.leaves = 1 + sum(item.leaves for item in items)


class Box:
    """A list, dictionary or set, which may be filled later; whether all items of a list are plain values."""

    __slots__ = ("kind", "plain")
    depth, leaves = 0, 1

    def __init__(self, kind: str) -> None:
        self.kind, self.plain = kind, True


@dataclasses.dataclass(frozen=True)
class Storage:
    """Numbers that the pickle asks for: the name of their storage, and how many bytes they take."""

    key: str
    num_bytes: int


class Damaged(Exception):
    """Not a pickle as torch writes them."""
