"""Pictures of the attributions and of their tests."""
