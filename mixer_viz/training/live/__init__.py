"""Training that is watched: some steps at a time, with what one wants to see in between."""
