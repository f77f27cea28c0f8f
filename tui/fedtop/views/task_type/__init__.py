"""One task type."""
