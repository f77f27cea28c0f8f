"""One change, predicted and measured."""
