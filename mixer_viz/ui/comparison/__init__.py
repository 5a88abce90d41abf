"""The sections of the page that compares token mixers."""
