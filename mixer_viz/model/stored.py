"""Configs that were written as JSON objects, read back from files that may hold anything."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, TypeVar

from mixer_viz.language import noted
from mixer_viz.model.wording import named

Config = TypeVar("Config")


def stored_config(text: str, config_class: type[Config]) -> Config:
    """A config that was written as a JSON object; ValueError for anything else, or other entries than it has."""
    values = stored_values(text, config_class)
    for name in ("mean", "std", "class_names", "usual_confidence"):
        if isinstance(values.get(name), list):
            values[name] = tuple(values[name])
    try:
        return config_class(**values)
    except TypeError as exc:
        raise ValueError(noted("the stored config is incomplete or has a wrong type: {reason}", reason=exc)) from exc


def stored_values(text: str, config_class: type) -> dict[str, Any]:
    """The entries of a config that was written as a JSON object; ValueError for anything else, or unknown entries."""
    try:
        values = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as exc:
        raise ValueError(noted("the stored config is not JSON")) from exc
    if not isinstance(values, dict):
        raise ValueError(noted("the stored config is not a JSON object"))
    unknown = sorted(set(values) - {field.name for field in dataclasses.fields(config_class)})
    if unknown:
        raise ValueError(
            noted(
                "the stored config has unknown entries: {listed}", listed=", ".join(named(name) for name in unknown[:3])
            )
        )
    return values
