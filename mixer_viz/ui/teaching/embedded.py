"""Data inside of HTML, where nothing in it can end the element that it stands in."""

from __future__ import annotations

import json
from typing import Any

_SPECIAL = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def embedded_json(data: Any) -> str:
    """JSON for the inside of a script element."""
    return json.dumps(data, separators=(",", ":")).translate(_SPECIAL)
