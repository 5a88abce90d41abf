"""What a teacher's link says beside the state of a page: a task, what may be changed, and what is not shown.

In the address these are three short values: `t_task`, the task in the teacher's words; `t_free`, the names of the
fields that may be changed, where not all may be; `t_hide`, the names of the parts that are not shown. All of it may
come from anybody: it is bounded, names are small letters and digits, and the task is shown as text.
"""

from __future__ import annotations

import dataclasses
import re
import zlib
from collections.abc import Mapping

TASK, FREE, HIDE = "t_task", "t_free", "t_hide"
SIDEBAR, PAGES, DOWNLOADS = "sidebar", "pages", "downloads"  # what can be hidden on every page
NOTHING_FREE = "-"
MOST_LETTERS = 600  # of a task
MOST_NAMES = 40
_ALWAYS_FREE = ("step", "lang")
_NAME = re.compile(r"[a-z0-9_.-]{1,60}")
# Fields and buttons that change the choice of another name.
_CHANGES = {
    **dict.fromkeys(("picture_file", "picture_source", "camera"), "image"),
    **dict.fromkeys(("weights_file", "side_file", "learn_use"), "model"),
    **dict.fromkeys(("swap_undo", "swap_clear"), "swaps"),
    **dict.fromkeys(("off_keep", "off_clear"), "off_more"),
    **dict.fromkeys((f"target_{place}" for place in range(5)), "target"),
}


@dataclasses.dataclass(frozen=True)
class Restrictions:
    """What a teacher's link asks for; without any of it, it is no teacher's link."""

    task: str = ""
    free: frozenset[str] | None = None  # None: everything may be changed
    hidden: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.task or self.hidden) or self.free is not None

    def locks(self, key: str) -> bool:
        """Whether the field of this name is not to be changed."""
        if key.startswith("lesson") or key in _ALWAYS_FREE:
            return False  # what a lesson asks can always be answered, in any language
        name = _CHANGES.get(key, key)
        if name in ("model", "image") and SIDEBAR in self.hidden:
            return True
        return self.free is not None and name not in self.free

    def locks_button(self, key: str) -> bool:
        """Whether the button of this name would change a locked choice; others only start and stop things."""
        return key in _CHANGES and self.locks(key)


def read_restrictions(values: Mapping[str, str]) -> Restrictions:
    """What the values of an address say; names that are none, and whatever is too much, are left out."""
    free = values.get(FREE)
    return Restrictions(
        task=values.get(TASK, "")[:MOST_LETTERS].strip(),
        free=None if free is None else _names(free),
        hidden=_names(values.get(HIDE, "")),
    )


def written(restrictions: Restrictions) -> dict[str, str]:
    """The values for an address, in which `read_restrictions` finds the same again."""
    values = {}
    if restrictions.task:
        values[TASK] = restrictions.task[:MOST_LETTERS].strip()
    if restrictions.free is not None:
        values[FREE] = ",".join(sorted(restrictions.free)[:MOST_NAMES]) or NOTHING_FREE
    if restrictions.hidden:
        values[HIDE] = ",".join(sorted(restrictions.hidden)[:MOST_NAMES])
    return values


def part_name(title: str) -> str:
    """The name in links of a part of a page, from its heading; numbers in it change with the model and do not count.

    A heading without Latin letters has a name that says nothing, but is always the same.
    """
    found = re.sub(r"[^a-z]+", "-", title.lower()).strip("-")[:60]
    return found or f"part-{zlib.crc32(title.encode('utf-8', 'replace')):08x}"


def _names(text: str) -> frozenset[str]:
    found = [name for name in text[: 61 * MOST_NAMES].split(",") if _NAME.fullmatch(name) and name != NOTHING_FREE]
    return frozenset(found[:MOST_NAMES])
