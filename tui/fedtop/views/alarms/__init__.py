"""What stands out of line, and where it comes from."""
