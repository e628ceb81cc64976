"""A second model that plays the user: who it is, what it says, and when it was its fault."""
