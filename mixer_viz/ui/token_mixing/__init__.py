"""The sections of the page on the learned token-mixing weights."""
