import sys

from mixer_viz.training.cli import main

if __name__ == "__main__":
    sys.exit(main())
