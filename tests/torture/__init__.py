"""What tries to break an agent, with figures: `python -m tests.torture quick|full`."""
