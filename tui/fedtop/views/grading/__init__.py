"""The queue of decisions to grade."""
