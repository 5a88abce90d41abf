"""Texts of the formula view: one number of the network with all its terms."""
