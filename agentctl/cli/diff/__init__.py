"""`agentctl diff`."""
