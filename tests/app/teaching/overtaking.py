"""A run that another one overtakes, as a browser makes it happen and AppTest does not."""

from __future__ import annotations

import pytest
from streamlit.runtime.scriptrunner import RerunData, RerunException, get_script_run_ctx


def overtaken_once(monkeypatch: pytest.MonkeyPatch, module: object, name: str) -> None:
    """The first call of the function ends as a run does that the browser's next message overtakes."""
    original, called = getattr(module, name), []

    def function(*arguments: object) -> object:
        called.append(arguments)
        if len(called) == 1:
            context = get_script_run_ctx()
            assert context is not None
            raise RerunException(RerunData(context.query_string, page_script_hash=context.page_script_hash))
        return original(*arguments)

    monkeypatch.setattr(module, name, function)
