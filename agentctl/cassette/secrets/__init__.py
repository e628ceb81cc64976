"""What must never stand in a recording: found, and taken out."""
