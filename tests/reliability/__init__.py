"""An agent in bad weather."""
