"""The page on which a network is trained."""
