"""The one error type of this package."""

from __future__ import annotations


class CheckpointError(ValueError):
    """A model that cannot be loaded; `str(error)` is one sentence for the user: what is wrong and what to do.

    Raised for names, files, their contents, downloads and devices alike, so a caller has one type to catch. The
    original exception, with its technical text, is chained as `__cause__`.
    """
