"""`agentctl cassettes`."""
