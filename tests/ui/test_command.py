"""`mixer-explorer`: what it says of itself, and what it hands on to Streamlit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit.web.cli

import mixer_viz
from mixer_viz.ui import headers
from mixer_viz.ui.command import main
from mixer_viz.ui.serving import metrics, reconnecting
from mixer_viz.ui.serving.settings import PREFIX, settings

APP = Path(__file__).parents[2] / "app.py"


@pytest.fixture(autouse=True)
def fresh_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(reconnecting, "take_lost_visitors_in", lambda: None)
    settings.cache_clear()
    yield
    settings.cache_clear()


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


def test_settings_reach_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    monkeypatch.setattr(headers, "add_headers", lambda: None)
    monkeypatch.setattr(metrics, "serve_metrics", called.append)
    monkeypatch.setattr(streamlit.web.cli, "main", lambda arguments, **_: called.append(arguments))
    monkeypatch.setenv(f"{PREFIX}METRICS", "127.0.0.1:9101")
    monkeypatch.setenv(f"{PREFIX}UPLOAD_MIB", "64")
    main(["--server.port", "8600"])
    assert called == [("127.0.0.1", 9101), ["run", str(APP), "--server.maxUploadSize", "64", "--server.port", "8600"]]


def test_a_setting_that_cannot_be_used_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"{PREFIX}TRAINING", "perhaps")
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert capsys.readouterr().err.endswith("error: MIXER_EXPLORER_TRAINING is 'perhaps'; it must be on or off.\n")
