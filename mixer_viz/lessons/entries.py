"""The entries of a lesson file: plain values under names that are all accounted for, or a sentence with the place."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import yaml


class LessonError(ValueError):
    """A lesson file that cannot be used, with the place in it."""


_BOOL = "tag:yaml.org,2002:bool"


class PlainLoader(yaml.SafeLoader):  # type: ignore[misc]  # it has no types
    """Plain values alone, and nothing that stands for something else: such could grow without bounds."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise LessonError("a lesson file repeats nothing by an alias (*); write it out")
        return super().compose_node(parent, index)


# Only true and false: the names of links are "off" and "on" as well.
PlainLoader.yaml_implicit_resolvers = {
    first: [each for each in pairs if each[0] != _BOOL]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
PlainLoader.add_implicit_resolver(_BOOL, re.compile("true|false"), ["t", "f"])


def plain(value: object, where: str) -> str:
    """As it stands in links."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise LessonError(f"{where}: {value!r} has to be text or a number")
    return str(value).strip()


@dataclasses.dataclass
class Entry:
    """One mapping of the file, with its place, and which of its names were taken."""

    data: Any
    where: str

    def __post_init__(self) -> None:
        if not isinstance(self.data, dict) or not all(isinstance(key, str) for key in self.data):
            raise LessonError(f"{self.where}: here has to be a mapping of names to values")
        self._left = set(self.data)

    def any(self, key: str) -> Any:
        self._left.discard(key)
        return self.data.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        value = self.any(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value.strip():
            raise LessonError(f"{self.where}: {key} has to be a text")
        return " ".join(value.split())

    def whole(self, key: str, lowest: int, highest: int) -> int:
        value = self.any(key)
        if type(value) is not int or not lowest <= value <= highest:
            raise LessonError(f"{self.where}: {key} has to be a whole number from {lowest} to {highest}")
        return value

    def number(self, key: str) -> float | None:
        value = self.any(key)
        if value is not None and type(value) not in (int, float):
            raise LessonError(f"{self.where}: {key} has to be a number")
        return None if value is None else float(value)

    def items(self, key: str) -> list[Any]:
        value = self.any(key)
        if value is not None and not isinstance(value, list):
            raise LessonError(f"{self.where}: {key} has to be a list")
        return value or []

    def mapping(self, key: str, default: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        value = self.any(key)
        if value is None and default is not None:
            return default
        return dict(Entry(value, f"{self.where}, {key}").data)

    def entries(self, key: str, default: list[Any] | None = None) -> list[Entry]:
        values = self.items(key)
        if not values and default is None:
            raise LessonError(f"{self.where}: {key} has to be a list with at least one entry")
        return [Entry(value, f"{self.where}, {key} {place}") for place, value in enumerate(values, start=1)]

    def nothing_else(self) -> None:
        if self._left:
            raise LessonError(f"{self.where}: nothing is called {sorted(self._left)[0]!r} here")
