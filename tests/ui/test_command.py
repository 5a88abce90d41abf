"""`mixer-explorer`: what it says of itself, and what it hands on to Streamlit."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit.web.cli

import mixer_viz
from mixer_viz.ui import headers
from mixer_viz.ui.command import main

APP = Path(__file__).parents[2] / "app.py"


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--server.port", "8600"],
        ["--server.headless=true", "--theme.base", "dark"],
        ["--server.prot", "1"],  # Streamlit says what is wrong with it
    ],
)
def test_options_are_streamlits(options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(headers, "add_headers", lambda: called.append(["headers"]))
    monkeypatch.setattr(streamlit.web.cli, "main", lambda arguments, **_: called.append(arguments))
    main(options)
    assert called == [["headers"], ["run", str(APP), *options]]


def test_help_says_how_to_change_the_port(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"], name="python -m mixer_viz")
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith("usage: python -m mixer_viz ")
    assert "--server.port 8600" in told


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"Mixer explorer {mixer_viz.__version__}\n"
