"""Words of the lessons."""
