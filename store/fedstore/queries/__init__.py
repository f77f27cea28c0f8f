"""Read models: bounded, named SQL per view, one typed result each (``Reader``)."""

from fedstore.queries.reader import Reader

__all__ = ["Reader"]
