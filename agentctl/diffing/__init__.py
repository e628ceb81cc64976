"""What changed between two definitions, two runs or two results, and what follows from it."""
