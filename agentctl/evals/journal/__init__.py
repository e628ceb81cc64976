"""Results as they finish: what an evaluation has played stands in a file, whatever becomes of its process."""
