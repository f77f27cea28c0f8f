"""One decision, layer by layer."""
