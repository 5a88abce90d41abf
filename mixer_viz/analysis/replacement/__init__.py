"""Trained token mixers with something simpler in their place, fitted on a few photos."""
