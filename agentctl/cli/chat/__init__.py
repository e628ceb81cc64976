"""`agentctl chat`."""
