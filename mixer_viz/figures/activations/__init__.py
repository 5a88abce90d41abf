"""Pictures of the activations, layer by layer."""
