"""Upkeep: what is purged, checked, refused and lost."""
