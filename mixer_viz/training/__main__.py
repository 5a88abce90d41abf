"""`python -m mixer_viz.training` and `mixer-train`: PyTorch is imported here, so that Ctrl-C can end that at once."""

import sys

from mixer_viz.training.stopping import leaving_at_once


def main() -> int:
    """Run the command; returns the exit status."""
    with leaving_at_once():
        from mixer_viz.training.cli import main as run
    return run()


if __name__ == "__main__":
    sys.exit(main())
