"""A run that another one overtakes, as a browser makes it happen and AppTest does not."""

from __future__ import annotations

import pytest
from streamlit.runtime.scriptrunner import RerunData, RerunException


def overtaken_once(monkeypatch: pytest.MonkeyPatch, module: object, name: str) -> None:
    """The first call of the function ends as a run does that the browser's next message overtakes."""
    original, called = getattr(module, name), []

    def function(*arguments: object) -> object:
        called.append(arguments)
        if len(called) == 1:
            raise RerunException(RerunData())
        return original(*arguments)

    monkeypatch.setattr(module, name, function)
