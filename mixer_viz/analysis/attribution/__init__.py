"""Which patches and pixels a class score rests on, and how far a map can be trusted."""
