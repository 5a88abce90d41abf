import sys

from mixer_viz.training.cards.mixer import main

if __name__ == "__main__":
    sys.exit(main())
