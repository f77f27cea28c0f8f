"""The layers of the routing cascade."""
