"""What the torture suite tries: each module's `PARTS` are lines of its table."""
