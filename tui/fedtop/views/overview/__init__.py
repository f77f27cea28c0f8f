"""The overview: who works, who needs attention, how all is doing."""
