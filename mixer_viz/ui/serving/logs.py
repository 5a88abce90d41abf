"""Logs that machines read: a JSON object a line, without what visitors brought.

An event is the message before its values are put in, as those may be names of files, classes or tensors; an error is
its type and the places in the code. What is worth counting is in `fields`, which only this package fills.
"""

from __future__ import annotations

import datetime
import json
import logging
import traceback
from pathlib import Path

_MOST_FRAMES = 12  # the innermost ones
_log = logging.getLogger(__name__)


def note(event: str, **fields: float | str) -> None:
    """Log that something happened; `fields` hold counts, sizes, seconds and words of this package's own."""
    _log.info(event, extra={"fields": fields})


class JsonLines(logging.Formatter):
    """One JSON object for each record."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        entry: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": _event(record),
        }
        entry |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[0] is not None:
            entry["error"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])[-_MOST_FRAMES:]
            entry["where"] = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
        return json.dumps(entry)


def _event(record: logging.LogRecord) -> str:
    if record.name == "py.warnings":  # comes with its values put in
        return "a warning of Python's"
    return record.msg if isinstance(record.msg, str) else type(record.msg).__name__


def write_json_lines() -> None:
    """From now on every log of this process is such lines on standard error, Streamlit's and the server's too."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    logging.getLogger("mixer_viz").setLevel(logging.INFO)
    logging.captureWarnings(True)
    import uvicorn.config
    from streamlit import logger as streamlits

    def through_root(logger: logging.Logger) -> None:
        logger.handlers.clear()
        logger.propagate = True

    uvicorn.config.LOGGING_CONFIG["loggers"] = {}  # it would give its loggers handlers of their own
    # Streamlit gives each of its loggers a handler of its own, and gives them anew once it has read its settings.
    streamlits.setup_formatter = through_root
    get = streamlits.get_logger

    def get_logger(name: str) -> logging.Logger:
        logger = get(name)
        logger.propagate = True
        return logger

    streamlits.get_logger = get_logger
    for logger in streamlits._loggers.values():
        through_root(logger)
