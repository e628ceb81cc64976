"""Cases with faults: what goes wrong is written in the case, and what the agent's policy makes of it is scored."""
