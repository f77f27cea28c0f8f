"""One agent."""
