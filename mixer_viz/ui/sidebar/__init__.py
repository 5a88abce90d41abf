"""The frame around every page: the model, the picture."""
