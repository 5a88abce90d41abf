"""`python -m mixer_viz.training.compare`: PyTorch is imported here, so that Ctrl-C can end that at once."""

import sys

from mixer_viz.training.stopping import leaving_at_once

if __name__ == "__main__":
    with leaving_at_once():
        from mixer_viz.training.compare.command import main
    sys.exit(main())
