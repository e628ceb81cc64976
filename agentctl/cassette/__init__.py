"""Recordings: read, write, match, replay, and say what changed since."""
