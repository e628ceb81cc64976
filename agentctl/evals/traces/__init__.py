"""What already happened, scored: traces from anywhere become runs of cases, and no model is asked for anything."""
