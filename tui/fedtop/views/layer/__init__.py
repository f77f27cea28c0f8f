"""One layer, with the lever."""
