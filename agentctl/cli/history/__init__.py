"""`agentctl history`: how suites went over time."""
