"""The core: the facts of a run, what follows from them, and the loop that acts on it. No files, no network."""
