"""`agentctl runs`."""
