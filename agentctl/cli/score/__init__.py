"""`agentctl score`."""
