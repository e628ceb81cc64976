"""Guards: one file each, ruling on what goes in, what comes out and what is called."""
