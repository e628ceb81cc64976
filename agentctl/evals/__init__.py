"""Suites, scorers and reports: whether an agent does what it should."""
