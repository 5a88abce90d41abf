"""The sections of the page on the activations."""
