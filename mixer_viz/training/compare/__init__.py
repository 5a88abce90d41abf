"""The networks of the comparison, trained alike: `python -m mixer_viz.training.compare`."""
