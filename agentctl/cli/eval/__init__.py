"""`agentctl eval`."""
