"""All tools, and how far each can be trusted."""
