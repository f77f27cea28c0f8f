"""One tool."""
