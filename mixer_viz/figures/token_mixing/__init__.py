"""Pictures of the token-mixing weights."""
