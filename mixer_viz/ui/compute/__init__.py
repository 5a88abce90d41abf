"""Caches for all pages, computations in the background, and whose turn it is."""
