"""`python -m mixer_viz.survey` and `mixer-survey`: PyTorch is imported here, so that Ctrl-C can end that at once."""

import sys

from mixer_viz.training.stopping import leaving_at_once


def main() -> int:
    """Run the command; returns the exit status."""
    with leaving_at_once():
        from mixer_viz.survey.cli import main as run
    return run()


if __name__ == "__main__":
    sys.exit(main())
