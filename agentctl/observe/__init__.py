"""Sinks: who listens to a run as it happens."""
