"""All agents, and how each does at each task type."""
