"""Where the app and its files are: at the top of a checkout, or below the package once it is installed."""

from __future__ import annotations

import functools
from pathlib import Path

INSTALLED = "explorer"  # pyproject.toml puts app.py and its folders here in the wheel


@functools.cache  # the links of a path are followed on disk
def app_folder() -> Path:
    """The folder that holds app.py, pages/, assets/ and .streamlit/config.toml.

    In a checkout, also one that is installed with `pip install -e`, it is the top of the repository; in an installed
    wheel it is `mixer_viz/explorer`.
    """
    package = Path(__file__).resolve().parent
    installed = package / INSTALLED
    return installed if installed.is_dir() else package.parent
