"""Pictures of the token mixers compared."""
