"""One file per format of weights, and what guards the reading."""
