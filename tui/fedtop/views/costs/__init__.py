"""Money and tokens."""
