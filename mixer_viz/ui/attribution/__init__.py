"""The sections of the page on attributions."""
