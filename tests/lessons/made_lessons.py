"""A small lesson, and parts of it changed."""

from __future__ import annotations

import copy
from typing import Any

import yaml


class _WrittenOut(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


SMALL: dict[str, Any] = {
    "code": 9,
    "title": "A title",
    "minutes": 10,
    "aim": "An aim.",
    "closing": "What to keep.",
    "state": {"model": "mixer_cifar10", "image": "cat"},
    "teacher": {"text": "For teachers.", "misunderstandings": ["One."]},
    "chapters": [
        {
            "title": "First",
            "steps": [
                {
                    "name": "look",
                    "title": "Look",
                    "page": "patches",
                    "state": {"token": 3},
                    "text": "A text.",
                    "mark": "patch-panel",
                    "thing": "the pictures",
                    "task": {
                        "name": "find",
                        "kind": "click",
                        "question": "Which?",
                        "hint": "Look again.",
                        "solution": "Patch 5.",
                        "found": "It is patch 5.",
                        "conditions": [{"parameter": "token", "one_of": [5], "hint": "Another one."}],
                        "example": {"token": 5},
                    },
                }
            ],
        }
    ],
}


def changed(*path: str | int, to: Any) -> str:
    """The small lesson's text with one value changed, or taken out where it becomes None."""
    data = copy.deepcopy(SMALL)
    place: Any = data
    for key in path[:-1]:
        place = place[key]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return yaml.dump(data, Dumper=_WrittenOut, sort_keys=False)
