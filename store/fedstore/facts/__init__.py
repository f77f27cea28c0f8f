"""Facts: what can be recorded, the rows it becomes, and the summaries it adds to."""
