"""Statistics of evaluations: pure functions of counts and numbers, each with its source, without a dependency."""
