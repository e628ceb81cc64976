"""A local Messages API server on a real socket, faithful to the real one's rules; never part of a product run."""
