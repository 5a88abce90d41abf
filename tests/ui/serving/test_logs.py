"""Logs for machines: what happened, and nothing that a visitor brought."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

from mixer_viz.ui.serving.logs import JsonLines
from tests.browser.serving import ROOT

SECRET = "holiday-in-rome.jpg"
CODE = f"""
import logging, warnings
from streamlit.logger import get_logger
before = get_logger("streamlit.before")
from mixer_viz.ui.serving.logs import note, write_json_lines
write_json_lines()
import streamlit.logger
note("upload", kind="picture", bytes=7)
logging.getLogger("mixer_viz.a").warning("refused: %s", {SECRET!r})
before.warning("file %s", {SECRET!r})
streamlit.logger.update_formatter()
streamlit.logger.get_logger("streamlit.after").error("failed", exc_info=OSError({SECRET!r}))
logging.getLogger("PIL").debug("unseen")
warnings.warn({SECRET!r})
"""


def record(message: object, *args: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("mixer_viz.a", logging.WARNING, "a.py", 1, message, args, None)
    made.__dict__.update(extra)
    return made


def line(made: logging.LogRecord) -> dict[str, object]:
    text = JsonLines().format(made)
    assert "\n" not in text
    found: dict[str, object] = json.loads(text)
    return found


def test_values_stay_out_of_the_line() -> None:
    found = line(record("refused: %s", ValueError(SECRET)))
    assert (found["level"], found["logger"], found["event"]) == ("warning", "mixer_viz.a", "refused: %s")
    assert SECRET not in str(found)
    assert line(record(ValueError(SECRET)))["event"] == "ValueError"


def test_an_error_is_its_type_and_where_it_happened() -> None:
    made = record("unexpected error")
    try:
        raise ValueError(f"{SECRET} is damaged")
    except ValueError:
        made.exc_info = sys.exc_info()
    found = line(made)
    assert found["error"] == "ValueError"
    (place,) = found["where"]  # type: ignore[misc]
    assert place.startswith("test_logs.py:")
    assert SECRET not in str(found)


def test_every_logger_of_the_server_writes_such_lines() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True)
    found = [json.loads(text) for text in done.stderr.splitlines()]
    assert [each["event"] for each in found] == ["upload", "refused: %s", "file %s", "failed", "a warning of Python's"]
    assert (found[0]["kind"], found[0]["bytes"]) == ("picture", 7)
    assert found[3]["error"] == "OSError"
    assert SECRET not in done.stderr
