"""Runs, sessions and foreign recordings that become cases of a suite."""
