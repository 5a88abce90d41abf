"""Under which names a file keeps a Mixer, where in the file, and what else it may be."""
