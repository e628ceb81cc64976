"""`agentctl cache`: the answers that are kept to be given again."""
