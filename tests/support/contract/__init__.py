"""What the simulator promises of the Messages API, clause by clause; see `clauses.all_clauses`."""
