"""Words of what takes long."""

from __future__ import annotations

from mixer_viz.language import mark, tr

STOPPED = mark("{title}: stopped.")
WAITS = mark("{title}: waits for the computer")
COUNTED = mark("{title}: {done:,} of {total:,} {unit}")
SHARE = mark("{title}: {share:.0f} %")
FAILED = mark("{title}: {error}")
START_AGAIN = mark("Work it out after all")
# What a single computation counts.
PASSES = mark("passes")
UNITS = (PASSES, mark("pictures"), mark("turns"))


def ask_for(what: str, seconds: float) -> str:
    """For a button that starts it; seconds in round figures."""
    rounded = f"{seconds:.1g}" if seconds < 10 else f"{5 * round(seconds / 5):d}"
    return tr("{what}: work it out, about {seconds} s", what=what, seconds=rounded)
