"""Documents: YAML on disk or in git becomes frozen specs, or errors that name file, line and column."""
