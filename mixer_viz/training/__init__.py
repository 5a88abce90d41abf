"""Train a Mixer: `python -m mixer_viz.training --data DIR --out DIR`."""
