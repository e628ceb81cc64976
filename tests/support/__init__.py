"""Shared by tests: scripted models and tools, agents, generated runs."""
