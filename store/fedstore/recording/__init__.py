"""Recording: from a call of the agent to a committed transaction."""
