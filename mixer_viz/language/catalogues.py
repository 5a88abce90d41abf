"""The languages there are, and their catalogues: gettext files beside this module, one folder for each language."""

from __future__ import annotations

import functools
import gettext
from pathlib import Path

SOURCE = "en"  # of the sentences in the code
LANGUAGES = {SOURCE: "English", "zh": "中文"}  # each by its own name, as its readers look for it
HTML_NAMES = {SOURCE: "en", "zh": "zh-Hans"}  # as the lang attribute of HTML has them
DOMAIN = "mixer_viz"
FOLDER = Path(__file__).parent / "locale"


@functools.cache
def catalogue(language: str) -> gettext.NullTranslations:
    """The messages of a language; those of the code themselves for English."""
    if language == SOURCE:
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, FOLDER, [language])


def nearest(wish: str | None) -> str:
    """Which of the languages serves a browser's wish, such as "zh-CN", best."""
    first = (wish or "").replace("_", "-").split("-")[0].lower()
    return first if first in LANGUAGES else SOURCE
